package actors

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"gusty/messages"
)

func TestSecretsOfAJob(t *testing.T) {
	j := job("a", "@daily", "")
	j.Options.Environment = map[string]messages.Secret{
		"A": "abcd",
		"B": "abcdefgh",
		"C": "abc",
		"D": "abcd",
	}
	secrets := secretsOf(&j)
	if len(secrets) != 2 || secrets[0] != "abcdefgh" || secrets[1] != "abcd" {
		t.Errorf("got %d: the longest comes first, each once, and none of less than four bytes",
			len(secrets))
	}
	chunks := []messages.OutputChunk{{
		Stream: messages.Stdout,
		Data:   []byte("x abcdefgh abcd abcde"),
	}, {Stream: messages.Stderr, Data: []byte("y")}}
	if got := inlineText(chunks, messages.Stdout, secrets); got != "x ******** ******** ********e" {
		t.Errorf("got %q", got)
	}
}

// textOf cuts a text into pieces of a size, and returns the parts.
func textOf(t testing.TB, text string, size int, secrets ...messages.Secret) (all []string) {
	t.Helper()
	p := &parts{
		stream: messages.Stdout, redactor: newRedactor(secrets),
		give: func(part int, text string) error {
			if part != len(all)+1 || len(text) > maxPartBytes || !utf8.ValidString(text) ||
				strings.ContainsAny(text, "\r\n") {
				t.Errorf("part %d, %d bytes, after %d", part, len(text), len(all))
			}
			all = append(all, text)
			return nil
		},
	}
	for len(text) > 0 {
		n := min(size, len(text))
		if err := p.add(messages.OutputChunk{
			Stream: messages.Stdout,
			Data:   []byte(text[:n]),
		}); err != nil {
			t.Fatal(err)
		}
		if err := p.add(messages.OutputChunk{
			Stream: messages.Stderr,
			Data:   []byte("the other stream"),
		}); err != nil {
			t.Fatal(err)
		}
		text = text[n:]
	}
	if err := p.end(); err != nil {
		t.Fatal(err)
	}
	return all
}

// A secret is hidden wherever the pieces and the parts end.
func TestPartsHideSecretsAcrossBorders(t *testing.T) {
	text := strings.Repeat("ä line with hunter2-secret in it\n", 3000)
	want := strings.Repeat("ä line with ******** in it", 3000)
	for _, size := range []int{1, 7, 13, 4096, len(text)} {
		if got := strings.Join(textOf(t, text, size, "hunter2-secret", "hunter2"),
			""); got != want {
			t.Errorf("in pieces of %d the text has %d bytes, not %d", size, len(got), len(want))
		}
	}
}

func TestPartsOfOddText(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":      "",
		"line ends":    "\r\n\n\n",
		"no UTF-8":     strings.Repeat("\xff\xfe", 40_000),
		"long letters": strings.Repeat("\U0001F600", 20_000),
		"just a part":  strings.Repeat("x", maxPartBytes),
		"one more":     strings.Repeat("x", maxPartBytes+1),
	} {
		got := textOf(t, text, 5000)
		joined := strings.Join(got, "")
		if name == "no UTF-8" {
			// one for each part is one in all
			joined = strings.ToValidUTF8(strings.ReplaceAll(joined, "\uFFFD", "\xff"), "\uFFFD")
		}
		if want := plainLine([]byte(text)); joined != want {
			t.Errorf("%s: %d parts with %d bytes, not %d", name, len(got), len(joined), len(want))
		}
	}
}

func TestPartsTellWhatIsMissing(t *testing.T) {
	var got string
	p := &parts{
		stream: messages.Stdout, redactor: newRedactor(nil),
		give: func(_ int, text string) error {
			got += text
			return nil
		},
	}
	err := errors.Join(p.add(messages.OutputChunk{Stream: messages.Stdout, Data: []byte("head ")}),
		p.add(messages.OutputChunk{
			Stream:  messages.Stdout,
			Skipped: 77,
		}), p.add(messages.OutputChunk{Stream: messages.Stdout, Data: []byte(" tail")}), p.end())
	if err != nil || got != "head [77 bytes left out] tail" {
		t.Errorf("got %q, %v", got, err)
	}
}

// Documents have no line ends, so that a secret that was printed with other ones than it has, or
// broken into lines, would be whole in them.
func TestPartsHideSecretsAcrossLines(t *testing.T) {
	for text, want := range map[string]string{
		"a hunter2\nsecret\n b": "a ******** b", "a hunter2\r\nsecret b": "a ******** b", "a hun\nter2se\ncret b": "a ******** b",
		"a\n\nb": "ab", "hunter2secre": "hunter2secre",
	} {
		for size := 1; size < 9; size++ {
			if got := strings.Join(textOf(t, text, size, "hunter2\nsecret\n", "a\n\n\n"),
				""); got != want {
				t.Errorf("%q in pieces of %d gives %q, want %q", text, size, got, want)
			}
		}
	}
}

// What is left of a secret before and behind a gap is hidden too, where it is more than a few
// letters.
func TestPartsHideSecretsCutByAGap(t *testing.T) {
	for _, c := range []struct{ before, behind, want string }{
		{"key hunter2-se", "cret end", "key ********[9 bytes left out]******** end"},
		{"key hunter2-se", "hunter2-secret end", "key ********[9 bytes left out]******** end"},
		{"hunter2-secret", "-secret", "********[9 bytes left out]********"},
		{"hunter2-secrethunter2", "", "****************[9 bytes left out]"},
		{"key hun", "ret end", "key hun[9 bytes left out]ret end"},
		{"", "", "[9 bytes left out]"},
	} {
		chunks := []messages.OutputChunk{
			{Stream: messages.Stdout, Data: []byte(c.before)}, {Stream: messages.Stdout, Skipped: 9}, {Stream: messages.Stdout, Data: []byte(c.behind)},
		}
		if got := inlineText(chunks, messages.Stdout,
			[]messages.Secret{"hunter2-secret"}); got != c.want {
			t.Errorf("%q and %q give %q, want %q", c.before, c.behind, got, c.want)
		}
	}
}

func FuzzParts(f *testing.F) {
	f.Add("some text with a secret-word in it", "secret-word", 3)
	f.Add("aaaaaaa", "aaaa", 1)
	f.Fuzz(func(t *testing.T, text, secret string, size int) {
		if size < 1 || len(secret) < minSecretBytes || strings.ContainsAny(secret, "*\r\n\uFFFD") ||
			!utf8.ValidString(secret) {
			return
		}
		for _, part := range textOf(t, text, size, messages.Secret(secret)) {
			if strings.Contains(part, secret) {
				t.Errorf("%q holds the secret", part)
			}
		}
	})
}
