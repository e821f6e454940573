package archtest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// maxColumns is how long a line of Go or Markdown may be; a tab counts as four columns.
const maxColumns = 100

var (
	// verbs are the ones that Go's own documentation does not use for what a function returns.
	verbs = regexp.MustCompile(`\b(says|tells) (whether|if)\b`)
	// table is a line of a table of test cases: one element of a literal, with or without a key.
	table     = regexp.MustCompile("^\t+(\\{|\"[^\"]*\": *|`)")
	generated = regexp.MustCompile(`(?m)^// Code generated .* DO NOT EDIT\.$`)
)

// Language returns a sentence for each place below root whose language is not that of Go's own
// documentation: a line of more than 100 columns, or a doc comment with another verb than "returns"
// and "reports whether". Exempt from the columns are tables, URLs, raw strings, generated files and
// test data, and what prose and doc comments show as it is typed.
func Language(root string) ([]string, error) {
	var faults []string
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			return skipped(path, root, entry.Name())
		}
		found, err := languageOf(path)
		for _, fault := range found {
			short, _ := filepath.Rel(root, path)
			faults = append(faults, short+fault)
		}
		return err
	})
	return faults, err
}

// skipped returns fs.SkipDir for a directory whose files nobody wrote as text of this repository.
func skipped(path, root, name string) error {
	if path != root && (strings.HasPrefix(name, ".") || name == "testdata" || name == "dist") {
		return fs.SkipDir
	}
	return nil
}

func languageOf(path string) ([]string, error) {
	extension := filepath.Ext(path)
	if extension != ".go" && extension != ".md" {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if extension == ".md" {
		return longProse(string(text)), nil
	}
	if generated.Match(text) {
		return nil, nil
	}
	faults, err := foreignVerbs(path, text)
	return slices.Concat(longCode(path, text), fileNotes(text), faults), err
}

// columns returns the width of a line.
func columns(line string) int {
	return len([]rune(strings.ReplaceAll(line, "\t", "    ")))
}

// longProse returns the lines of a Markdown text that are too long.
func longProse(text string) []string {
	var faults []string
	fenced := false
	for i, line := range strings.Split(text, "\n") {
		trimmed := strings.TrimSpace(line)
		if strings.HasPrefix(trimmed, "```") {
			fenced = !fenced
		}
		literal := fenced || strings.HasPrefix(line, "    ") || strings.HasPrefix(trimmed, "|")
		if !literal && columns(line) > maxColumns && !strings.Contains(line, "://") {
			faults = append(faults, longLine(i+1, line))
		}
	}
	return faults
}

func longLine(number int, line string) string {
	return fmt.Sprintf(":%d: the line has %d columns, at most %d are read without scrolling",
		number, columns(line), maxColumns)
}

// longCode returns the lines of a Go file that are too long.
func longCode(path string, text []byte) []string {
	var faults []string
	raw := rawLines(text)
	isTest := strings.HasSuffix(path, "_test.go")
	for i, line := range strings.Split(string(text), "\n") {
		exempt := raw[i+1] || strings.Contains(line, "://") || isTest && table.MatchString(line) ||
			strings.HasPrefix(strings.TrimSpace(line), "//\t")
		if columns(line) > maxColumns && !exempt {
			faults = append(faults, longLine(i+1, line))
		}
	}
	return faults
}

// fileNotes returns the comments that say of their file what the name of a type, or of the file,
// should say.
func fileNotes(text []byte) []string {
	var faults []string
	for i, line := range strings.Split(string(text), "\n") {
		if strings.HasPrefix(line, "// This file ") {
			fault := fmt.Sprintf(":%d: say what it is about without \"This file\"", i+1)
			faults = append(faults, fault)
		}
	}
	return faults
}

// rawLines returns the numbers of the lines that hold a raw string or a part of one.
func rawLines(text []byte) map[int]bool {
	lines := map[int]bool{}
	files := token.NewFileSet()
	file := files.AddFile("", files.Base(), len(text))
	var s scanner.Scanner
	s.Init(file, text, nil, 0)
	for {
		pos, kind, literal := s.Scan()
		if kind == token.EOF {
			return lines
		}
		if kind == token.STRING && strings.HasPrefix(literal, "`") {
			first := file.Line(pos)
			for line := first; line <= first+strings.Count(literal, "\n"); line++ {
				lines[line] = true
			}
		}
	}
}

// foreignVerbs returns the doc comments of a Go file that use another verb than Go's documentation.
func foreignVerbs(path string, text []byte) ([]string, error) {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, path, text, parser.ParseComments)
	if err != nil {
		return nil, err
	}
	var faults []string
	ast.Inspect(file, func(node ast.Node) bool {
		for name, doc := range documented(node) {
			if verb := foreignVerb(name, doc.Text()); verb != "" {
				line := files.Position(doc.Pos()).Line
				faults = append(faults, fmt.Sprintf(":%d: the comment of %s says %q; "+
					`Go's documentation says "returns" or "reports whether"`, line, name, verb))
			}
		}
		return true
	})
	return faults, nil
}

// foreignVerb returns the words of a doc comment that Go's documentation would not use.
func foreignVerb(name, doc string) string {
	doc = strings.ReplaceAll(doc, "\n", " ")
	if strings.HasPrefix(doc, name+" gives ") {
		return "gives"
	}
	return verbs.FindString(doc)
}

// documented returns the names that a node declares with their doc comments.
func documented(node ast.Node) map[string]*ast.CommentGroup {
	found := map[string]*ast.CommentGroup{}
	add := func(name *ast.Ident, doc *ast.CommentGroup) {
		if doc != nil {
			found[name.Name] = doc
		}
	}
	switch n := node.(type) {
	case *ast.FuncDecl:
		add(n.Name, n.Doc)
	case *ast.TypeSpec:
		add(n.Name, n.Doc)
	case *ast.ValueSpec:
		add(n.Names[0], n.Doc)
	case *ast.Field:
		if len(n.Names) > 0 {
			add(n.Names[0], n.Doc)
		}
	case *ast.GenDecl:
		addAlone(n, add)
	}
	return found
}

// addAlone adds what a declaration without parentheses declares: its comment belongs to that.
func addAlone(n *ast.GenDecl, add func(*ast.Ident, *ast.CommentGroup)) {
	if len(n.Specs) != 1 {
		return
	}
	switch s := n.Specs[0].(type) {
	case *ast.TypeSpec:
		add(s.Name, n.Doc)
	case *ast.ValueSpec:
		add(s.Names[0], n.Doc)
	}
}
