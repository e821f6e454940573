package process

import (
	"bytes"
	"os"
	"testing"
)

func TestStatOfAProcessWithAnOddName(t *testing.T) {
	line := "42 (a) Z (b c) S 7 8 9 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 123456 1 2"
	s, err := parseStat([]byte(line))
	if want := (stat{
		state:   'S',
		parent:  7,
		group:   8,
		session: 9,
		start:   123456,
	}); err != nil || s != want {
		t.Fatalf("%+v %v", s, err)
	}
	own, err := readStat(os.Getpid())
	if err != nil || own.parent != os.Getppid() || own.start == 0 {
		t.Fatalf("%+v %v", own, err)
	}
}

func FuzzParseStat(f *testing.F) {
	f.Add([]byte("42 (sh) S 7 8 9 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 123456 1 2"))
	f.Add([]byte("42 (sh) S"))
	f.Add([]byte(")"))
	f.Fuzz(func(t *testing.T, line []byte) {
		if s, err := parseStat(line); err == nil && s.state == 0 {
			t.Errorf("%q has no state", line)
		}
	})
}

func FuzzFlatKey(f *testing.F) {
	f.Add([]byte("usage_usec 3\nuser_usec 2\n"), "user_usec")
	f.Fuzz(func(t *testing.T, file []byte, key string) {
		if n, ok := flatKey(file, key); ok && !bytes.Contains(file, []byte(key)) {
			t.Errorf("%d without the key %q", n, key)
		}
	})
}
