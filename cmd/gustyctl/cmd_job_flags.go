package main

import (
	"github.com/kballard/go-shellquote"
	"github.com/spf13/cobra"

	"gusty/cmd/gustyctl/internal/jobfile"
)

// jobFlags are the flags of job add and job update.
type jobFlags struct {
	cron       string
	typeName   string
	args       []string
	index      string
	openSearch bool
	options    *jobfile.OptionFlags
	changed    func(flag string) bool
}

func newJobFlags(cmd *cobra.Command) *jobFlags {
	f := &jobFlags{changed: cmd.Flags().Changed}
	flags := cmd.Flags()
	flags.StringVar(&f.cron, "cron", "", "`expression` for when to run: 5 fields as in a "+
		"crontab, 6 or 7 with seconds, @daily, @every 90s, @reboot")
	flags.StringVar(&f.typeName, "type", "", "`kind` of script, bash or python (default: what "+
		"the script's first line or the file's name says)")
	flags.StringArrayVar(&f.args, "arg", nil, "an `argument` of the script; may be repeated")
	flags.StringVar(&f.index, "opensearch-index", "",
		"OpenSearch `index` of the output (default: the agent's)")
	flags.BoolVar(&f.openSearch, "opensearch", false, "send the output to OpenSearch")
	f.options = jobfile.NewOptionFlags(flags)
	return f
}

// Body returns the ScriptRequest: the job with what the flags change.
func (f *jobFlags) Body(job *storedJob, getenv func(string) string) (map[string]any, error) {
	if f.changed("cron") {
		job.Cron = f.cron
	}
	if f.changed("arg") {
		job.Arguments = shellquote.Join(f.args...)
	}
	if f.changed("opensearch-index") {
		job.Index = f.index
	}
	if f.changed("opensearch") {
		job.OpenSearch = f.openSearch
	}
	body, err := f.options.Fields(f.changed, job.Environment, getenv)
	if err != nil {
		return nil, err
	}
	if zone, ok := body["time_zone"].(string); ok {
		job.TimeZone = zone
	}
	body["script_name"], body["content"], body["cron_expression"] = job.Name, job.Content, job.Cron
	body["arguments"], body["script_type"] = job.Arguments, job.Type
	body["opensearch_index"], body["opensearch_enabled"] = job.Index, job.OpenSearch
	return body, nil
}
