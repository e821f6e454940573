package process

import (
	"math"
	"os"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestLimitMarks(t *testing.T) {
	seen := map[limitMark]bool{}
	for below, first := range map[uint64]uint64{
		math.MaxUint64: 1 << 62,
		1<<62 + 5:      1 << 61,
		1<<61 + 1<<60:  1 << 60,
	} {
		for n := range 1000 {
			m := (&limitMarks{own: unix.Rlimit{Max: below}}).of(strconv.Itoa(n))
			if uint64(m) < first || uint64(m) >= 2*first || uint64(m) >= below || seen[m] {
				t.Fatalf("below %d run %d has the mark %d", below, n, m)
			}
			seen[m] = true
		}
	}
	if new(limitMarks).of("run") != 0 ||
		(&limitMarks{own: unix.Rlimit{Max: math.MaxUint64}}).of("") != 0 {
		t.Error("there is a mark without a host or a run for it")
	}
	if limitMark(0).has(os.Getpid()) {
		t.Error("no mark is had")
	}
}

// What a run forks has its limit, whatever it does to its session, its parents and its environment,
// and no other run has it.
func TestARunHasALimitOfItsOwn(t *testing.T) {
	h := newTestHost(t, markKinship)
	const script = `env -i setsid sh -c 'setsid grep "Max file locks" /proc/self/limits'`
	of := func(mark string) string {
		res, out, errs := run(t, h, Spec{Script: []byte(script), Mark: mark})
		if res.ExitCode != 0 || errs != "" {
			t.Fatalf("%+v %q", res, errs)
		}
		// of "Max file locks <soft> <hard> locks"; the hard one follows a moment after the birth
		return strings.Fields(out)[3]
	}
	want := strconv.FormatUint(uint64(h.limits.of("run-1")), 10)
	if got := of("run-1"); got != want {
		t.Errorf("the limit is %s, want %s", got, want)
	}
	if got := of("run-2"); got == want {
		t.Errorf("two runs have the limit %s", got)
	}
	hard := `until [ "$(ulimit -Hx)" = ` + want + ` ]; do ((SECONDS < 20)) || exit; done; echo hard`
	if _, out, errs := run(t, h, Spec{Script: []byte(hard), Mark: "run-1"}); out != "hard\n" {
		t.Errorf("the hard limit does not become the mark: %q %q", out, errs)
	}
	var own unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_LOCKS, &own); err != nil || own != h.limits.own {
		t.Errorf("the agent's own limit is %v now (%v), and was %v", own, err, h.limits.own)
	}
}
