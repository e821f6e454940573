package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"
	"unicode"

	"gusty/cmd/gustyctl/internal/exit"
)

// printJSON prints the agent's JSON: indented for a person, as it came for a program.
func (a *app) printJSON(body []byte) error {
	body = bytes.TrimSpace(body)
	if isTerminal(a.out) {
		var indented bytes.Buffer
		if json.Indent(&indented, body, "", "  ") == nil {
			body = indented.Bytes()
		}
	}
	return a.write(append(body, '\n'))
}

// printValue prints what gustyctl itself found, as JSON.
func (a *app) printValue(v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return exit.Failedf("cannot print: %w", err)
	}
	return a.printJSON(body)
}

// printLine prints one line of text that came from the agent.
func (a *app) printLine(text string) error {
	return a.write([]byte(printable(text) + "\n"))
}

// printRows prints names and values in two columns.
func (a *app) printRows(rows [][2]string) error {
	lines := make([][]string, len(rows))
	for i, row := range rows {
		lines[i] = row[:]
	}
	return a.printTable(nil, lines)
}

// printTable prints columns that are as wide as they need to be, under an optional header.
func (a *app) printTable(header []string, lines [][]string) error {
	table := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	if header != nil {
		lines = append([][]string{header}, lines...)
	}
	for _, line := range lines {
		for i, cell := range line {
			line[i] = printable(cell)
		}
		fmt.Fprintln(table, strings.TrimRight(strings.Join(line, "\t"), "\t"))
	}
	if err := table.Flush(); err != nil {
		return exit.Failedf("cannot print: %w", err)
	}
	return nil
}

func (a *app) write(p []byte) error {
	if _, err := a.out.Write(p); err != nil {
		return exit.Failedf("cannot print: %w", err)
	}
	return nil
}

// note prints one line for the person beside the output, where it does not disturb a pipe.
func (a *app) note(format string, args ...any) {
	fmt.Fprintln(a.errOut, printable(fmt.Sprintf(format, args...)))
}

// printable replaces what would drive the terminal: text from an agent may hold what a script
// printed.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
}
