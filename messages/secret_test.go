package messages

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestSecretNeverShows(t *testing.T) {
	const value = "hunter2-hunter2"
	s := Secret(value)
	nested := struct {
		Pass Secret
		Env  map[string]Secret
	}{s, map[string]Secret{"A": s}}
	var shown bytes.Buffer
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&shown, format, s)
		fmt.Fprintf(&shown, format, nested)
	}
	log := slog.New(slog.NewJSONHandler(&shown, nil))
	log.Info("a", "secret", s, "nested", nested, "message", SetPassword{Name: "a", Hash: s})
	text := slog.New(slog.NewTextHandler(&shown, nil))
	text.Info("a", "secret", s, "nested", nested, "message", SetPassword{Name: "a", Hash: s})
	data, err := json.Marshal(nested)
	if err != nil {
		t.Fatal(err)
	}
	shown.Write(data)
	if strings.Contains(shown.String(), value) ||
		strings.Contains(shown.String(), fmt.Sprintf("%x", value)) {
		t.Errorf("the secret shows in: %s", shown.String())
	}
	if s.Reveal() != value {
		t.Error("Reveal does not give the value")
	}
}

func TestMessagesWithSecretsDoNotPrintThem(t *testing.T) {
	const value = "hunter2-hunter2"
	for _, m := range []any{
		ExecuteCommand{Command: value},
		ExecuteScript{Job: Job{Name: "a", Content: []byte(value)}},
		PutJob{Job: Job{Name: "a", Content: []byte(value)}},
		SetParameters{Values: []ParameterValue{{ParamOpenSearchPass, value}}},
	} {
		if text := fmt.Sprint(m); strings.Contains(text, value) {
			t.Errorf("%T prints what it carries: %s", m, text)
		}
	}
}
