package agent

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
)

// JobBody returns the body of POST and PUT /agent/job for a Bash script.
func JobBody(name, expression, script string) string {
	return JobBodyWith(name, expression, script, nil)
}

// JobBodyWith adds optional fields to the body.
func JobBodyWith(name, expression, script string, options map[string]any) string {
	fields := map[string]any{
		"script_name": name, "content": base64.StdEncoding.EncodeToString([]byte(script)),
		"cron_expression": expression, "script_type": 1, "arguments": "",
	}
	maps.Copy(fields, options)
	body, err := json.Marshal(fields)
	if err != nil {
		panic(fmt.Sprintf("strings and numbers always marshal: %v", err))
	}
	return string(body)
}
