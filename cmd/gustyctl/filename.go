package main

import (
	"fmt"
	"strings"
	"unicode"
)

// maxFileNameBytes leaves room for an extension and a number within the 255 bytes that file systems
// take.
const maxFileNameBytes = 200

// fileNames assigns a file name to each job's name, and remembers those that are taken, without
// regard to case.
type fileNames map[string]bool

// name replaces what file systems, shells and archives trip over: all but letters, digits and . _
// -, and a dot at the beginning.
func (f fileNames) name(job string) string {
	safe := strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("._-", r) {
			return r
		}
		return '_'
	}, job)
	if strings.HasPrefix(safe, ".") {
		safe = "_" + safe[1:]
	}
	for len(safe) > maxFileNameBytes {
		safe = strings.ToValidUTF8(safe[:maxFileNameBytes], "")
	}
	name := safe
	for i := 2; f[strings.ToLower(name)]; i++ {
		name = fmt.Sprintf("%s-%d", safe, i)
	}
	f[strings.ToLower(name)] = true
	return name
}
