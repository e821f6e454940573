package process

import (
	"errors"
	"testing"
	"testing/synctest"
)

func TestAFileSystemThatHangsDelaysOnlyItsOwnStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mounted := make(chan struct{})
		_, err := look(&Spec{Dir: "/mnt/hung"}, func() (string, error) {
			<-mounted
			return "/bin/sh", nil
		})
		var sentence *StartError
		if !errors.As(err, &sentence) {
			t.Errorf("%v", err)
		}
		close(mounted)
	})
}

func TestCompactEnvKeepsTheLastValue(t *testing.T) {
	env := compactEnv([]string{"A=1", "B=2", "A=3", "C="})
	if len(env) != 3 || env[0] != "B=2" || env[1] != "A=3" || env[2] != "C=" ||
		lookupEnv(env, "A") != "3" {
		t.Errorf("%q", env)
	}
}
