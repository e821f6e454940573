package actors

import (
	"slices"
	"testing"
	"time"

	"gusty/messages"
)

func TestParametersAreSetTogetherOrNotAtAll(t *testing.T) {
	var published []uint64
	prepare := func(w *world) {
		w.options.OnConfig = func(c *messages.Config) { published = append(published, c.Version) }
	}
	inBubble(t, prepare, func(w *world) {
		bad := messages.SetParameters{Values: []messages.ParameterValue{
			{Name: messages.ParamLabels, Value: "a=b"}, {Name: messages.ParamServerPort, Value: "99999"},
		}}
		if e := refusalOf(w, bad); e.Code != messages.CodeInvalid ||
			e.Field != messages.ParamServerPort {
			t.Errorf("a bad value: %+v", e)
		}
		for name, code := range map[string]messages.Code{
			"nothing":            messages.CodeInvalid,
			messages.ParamIPAddr: messages.CodeForbidden,
		} {
			e := refusalOf(w, messages.SetParameters{Values: []messages.ParameterValue{{
				Name:  name,
				Value: "127.0.0.1",
			}}})
			if e.Code != code || e.Field != name {
				t.Errorf("%s: %+v", name, e)
			}
		}
		if got := w.sys.Config().Text(messages.ParamLabels); got != "" ||
			len(w.store.parameters) != 0 {
			t.Errorf("a part was applied: %q, %v", got, w.store.parameters)
		}
		w.set(messages.ParamOpenSearchPass, "hunter2")
		w.set(messages.ParamOpenSearchPass, messages.Mask)
		w.set(messages.ParamAutoUpgrade, "false")
		if config := w.sys.Config(); config.Secret(
			messages.ParamOpenSearchPass).Reveal() != "hunter2" ||
			config.Bool(messages.ParamAutoUpgrade) {
			t.Error("the values are not in force")
		}
		if !slices.IsSorted(published) || len(published) < 3 {
			t.Errorf("the published versions are %v", published)
		}
	})
}

func TestNothingIsInForceBeforeItIsDurable(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		unblock := w.store.block()
		go w.set(messages.ParamLabels, "a=b")
		w.advance(time.Second)
		if got := ask[*messages.Config](w,
			messages.GetConfig{}).Text(messages.ParamLabels); got != "" {
			t.Errorf("%q is in force and not durable", got)
		}
		unblock()
		w.advance(time.Millisecond)
		if got := w.sys.Config().Text(messages.ParamLabels); got != "a=b" {
			t.Errorf("%q is in force", got)
		}
	})
}

func TestPasswords(t *testing.T) {
	var told []string
	prepare := func(w *world) {
		w.options.OnPassword = func(user string) { told = append(told, user) }
		w.store.users["off"] = messages.User{Name: "off", Hash: "old", Disabled: true}
	}
	inBubble(t, prepare, func(w *world) {
		if e := refusalOf(w, messages.SetPassword{
			Name: "nobody",
			Hash: "x",
		}); e.Code != messages.CodeNotFound {
			t.Errorf("an unknown user: %v", e)
		}
		version := w.sys.Access().Version
		ask[messages.PasswordSet](w, messages.SetPassword{Name: "off", Hash: "new"})
		got := w.sys.Access()
		if user := got.Users["off"]; user.Hash.Reveal() != "new" || user.Disabled ||
			got.Version <= version {
			t.Errorf("the user is %+v", user)
		}
		_ = w.explode(nameAccess)
		ask[messages.PasswordSet](w, messages.SetPassword{Name: "Admin", Hash: "new"})
		if user := w.sys.Access().Users["off"]; user.Hash.Reveal() != "new" || user.Disabled {
			t.Errorf("after a restart the user is %+v", user)
		}
		if !slices.Equal(told, []string{"off", "Admin"}) {
			t.Errorf("told of %v", told)
		}
	})
}
