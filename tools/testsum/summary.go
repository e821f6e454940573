package main

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
)

// event is a line of go test -json (cmd/test2json).
type event struct {
	Action, Package, Test, Output string
}

// name is a test of a package.
type name struct{ pkg, test string }

// summary gathers what tests print until it is known how they ended.
type summary struct {
	out     io.Writer
	printed map[name][]string
	skipped []string // a sentence each
}

func newSummary(out io.Writer) *summary {
	return &summary{out: out, printed: map[name][]string{}}
}

func (s *summary) add(e *event) {
	of := name{e.Package, e.Test}
	switch {
	case e.Action == "build-output":
		fmt.Fprint(s.out, e.Output)
	case e.Action == "output" && e.Test == "":
		s.tellOfPackage(e.Output)
	case e.Action == "output":
		s.printed[of] = append(s.printed[of], e.Output)
	case e.Action == "fail" && e.Test != "":
		fmt.Fprint(s.out, strings.Join(s.printed[of], ""))
		delete(s.printed, of)
	case e.Action == "skip" && e.Test != "":
		s.skipped = append(s.skipped, fmt.Sprintf("%s %s: %s", e.Package, e.Test, s.reason(of)))
		delete(s.printed, of)
	case e.Action == "pass":
		delete(s.printed, of)
	}
}

// tellOfPackage shows what is said of a package, but for what a passed one needs not say.
func (s *summary) tellOfPackage(line string) {
	if line != "PASS\n" {
		fmt.Fprint(s.out, line)
	}
}

// said is a line that a test has printed by its own words: "    file.go:12: words".
var said = regexp.MustCompile(`^\s+\S+\.go:\d+: (.*)`)

// reason returns why a test skipped itself.
func (s *summary) reason(of name) string {
	for _, line := range slices.Backward(s.printed[of]) {
		if m := said.FindStringSubmatch(line); m != nil {
			return m[1]
		}
	}
	return "it does not say why"
}

func (s *summary) tellSkipped() {
	slices.Sort(s.skipped)
	for _, sentence := range s.skipped {
		fmt.Fprintln(s.out, "NOT RUN:", sentence)
	}
}
