package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"

	"github.com/spf13/cobra"
	"gopkg.in/yaml.v3"

	"gusty/cmd/gustyctl/internal/exit"
	"gusty/cmd/gustyctl/internal/jobfile"
	"gusty/messages"
)

func (a *app) jobExportCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "export DIRECTORY",
		Short: "Write the stored jobs as a directory that apply takes",
		Long: `Write the stored jobs as a directory that apply takes: a YAML file and a script for each job. What has its default is left out. The values of
an environment never leave the agent: they are written as ` + "`********`" + `, which apply reads as "keep the stored one".
The directory must be new or empty. After an error no part of it is left.`,
		Args: oneArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.exportJobs(cmd.Context(), args[0])
		},
	}
}

func (a *app) exportJobs(ctx context.Context, path string) error {
	c, err := a.connect(ctx)
	if err != nil {
		return err
	}
	got, err := c.call(ctx, get(jobsPath))
	if err != nil {
		return err
	}
	var names []string
	if err := got.decode(&names); err != nil {
		return err
	}
	dir, err := a.newDirectory(path)
	if err != nil {
		return err
	}
	files, bar := fileNames{}, a.bar("exporting", len(names))
	defer bar.stop()
	for _, name := range names {
		if err := c.exportJob(ctx, name, dir, files.name(name)); err != nil {
			return errors.Join(err, dir.remove())
		}
		bar.step()
	}
	bar.stop()
	return a.printLine(plural(len(names), "job") + " in " + path)
}

// exportJob writes one job to the file with .yaml and with the extension of its script's type.
func (c *client) exportJob(ctx context.Context, name string, to *newDirectory, file string) error {
	got, err := c.job(ctx, name)
	if err != nil {
		return err
	}
	job, err := got.job()
	if err != nil {
		return err
	}
	extension := map[messages.ScriptType]string{
		messages.ScriptPython: ".py",
		messages.ScriptBash:   ".sh",
	}[job.Type]
	script := file + extension
	text, err := jobYAML(job, script)
	if err != nil {
		return exit.Failedf("cannot write the job %s as YAML: %w", name, err)
	}
	if err := errors.Join(to.write(script, job.Content), to.write(file+".yaml", text)); err != nil {
		return exit.Failedf("cannot write the job %s: %w", name, err)
	}
	return nil
}

// job reads a stored job, each field as a job file's would be read.
func (r *answer) job() (*messages.Job, error) {
	var stored map[string]any
	decoder := json.NewDecoder(bytes.NewReader(r.body))
	decoder.UseNumber()
	if err := decoder.Decode(&stored); err != nil {
		return nil, strange(err)
	}
	job := &messages.Job{Options: messages.DefaultJobOptions()}
	for _, field := range jobfile.Fields() {
		value, there := stored[field.Name]
		if !there {
			continue // an agent that does not know the field
		}
		var node yaml.Node
		if err := errors.Join(node.Encode(value), field.Read(job, &node)); err != nil {
			return nil, exit.Failedf("the stored job's %s cannot be read: %w", field.Name, err)
		}
	}
	script, err := base64.StdEncoding.DecodeString(string(job.Content))
	if err != nil {
		return nil,
			exit.Failedf("the job's content is not base64 (%w); see it with job show --json", err)
	}
	job.Content = script
	for name := range job.Options.Environment {
		// as the agent gives it; whatever came, no value goes into a file
		job.Options.Environment[name] = messages.Mask
	}
	return job, nil
}

// jobYAML returns the job as apply reads it, without what has its default.
func jobYAML(job *messages.Job, script string) ([]byte, error) {
	document := yaml.Node{Kind: yaml.MappingNode}
	plain := messages.Job{Options: messages.DefaultJobOptions()}
	guessed, err := jobfile.GuessType(script, job.Content, "")
	told := err == nil
	for _, field := range jobfile.Fields() {
		name, value := field.Name, field.Value(job)
		switch {
		case name == "content":
			name, value = "script", script
		case name == "script_type" && (!told || job.Type != guessed):
			value = job.Type.String()
		case name == "script_type":
			continue
		case name != "script_name" && name != "cron_expression" &&
			encoded(value) == encoded(field.Value(&plain)):
			continue
		}
		var written yaml.Node
		if err := written.Encode(value); err != nil {
			return nil, err
		}
		document.Content = append(document.Content, &yaml.Node{
			Kind:  yaml.ScalarNode,
			Value: name,
		}, &written)
	}
	return yaml.Marshal(&document)
}
