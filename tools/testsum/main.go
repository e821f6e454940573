// Command testsum runs go test, shows what it says of packages and of what failed, and names at the
// end each test that was skipped, with its reason: testsum -root DIR ARGUMENTS OF GO TEST.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
)

func main() {
	root := flag.String("root", ".", "the directory to run go test in")
	flag.Parse()
	code, err := run(*root, flag.Args(), os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "testsum:", err)
		code = 1
	}
	os.Exit(code)
}

// run returns the exit code of go test.
func run(root string, args []string, out io.Writer) (code int, err error) {
	command := exec.Command("go", append([]string{"test", "-json"}, args...)...)
	command.Dir, command.Stderr = root, os.Stderr
	events, err := command.StdoutPipe()
	if err != nil {
		return 0, err
	}
	if err := command.Start(); err != nil {
		return 0, err
	}
	s := newSummary(out)
	err = s.read(events)
	ended := command.Wait()
	s.tellSkipped()
	if exit, ok := errors.AsType[*exec.ExitError](ended); ok {
		return exit.ExitCode(), err
	}
	return 0, errors.Join(err, ended)
}

func (s *summary) read(events io.Reader) error {
	lines := bufio.NewScanner(events)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var e event
		if json.Unmarshal(lines.Bytes(), &e) != nil {
			fmt.Fprintln(s.out, lines.Text()) // what the go command says itself
			continue
		}
		s.add(&e)
	}
	return lines.Err()
}
