package agent

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
)

// JobBody gives the body of POST and PUT /agent/job for a Bash script.
func JobBody(name, expression, script string) string {
	body, err := json.Marshal(map[string]any{
		"script_name": name, "content": base64.StdEncoding.EncodeToString([]byte(script)),
		"cron_expression": expression, "script_type": 1, "arguments": "",
	})
	if err != nil {
		panic(fmt.Sprintf("strings always marshal: %v", err))
	}
	return string(body)
}
