package archtest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Wall is one rule about imports. Patterns are import paths; one that ends in "/..." stands for all
// below it too.
type Wall struct {
	Around []string // the packages that the rule is about
	Except []string // and those of them that it is not about
	// Only lists what they may import themselves: patterns, and Standard for the standard library.
	// Nil: anything.
	Only []string
	// NotDirectly lists what they may not import themselves.
	NotDirectly []string
	// Never lists what may not be linked with them, by whatever way.
	Never  []string
	Reason string
}

// Standard stands for the whole standard library in Wall.Only.
const Standard = "std"

// Check returns one sentence for each import that breaks a wall, in order.
func Check(graph Graph, walls []Wall) (broken []string) {
	for _, path := range slices.Sorted(maps.Keys(graph)) {
		for _, wall := range walls {
			if matchesAny(wall.Around, path) && !matchesAny(wall.Except, path) {
				broken = append(broken, wall.check(graph, path)...)
			}
		}
	}
	return broken
}

func (w Wall) check(graph Graph, path string) (broken []string) {
	for _, imported := range graph[path].Imports {
		if !w.allows(graph, imported) || matchesAny(w.NotDirectly, imported) {
			broken = append(broken, fmt.Sprintf("%s imports %s: %s", path, imported, w.Reason))
		}
	}
	for _, pattern := range w.Never {
		if way := graph.chain(path, pattern); way != nil {
			broken = append(broken, fmt.Sprintf("%s: %s", strings.Join(way, " imports "), w.Reason))
		}
	}
	return broken
}

func (w Wall) allows(graph Graph, imported string) bool {
	return w.Only == nil || matchesAny(w.Only, imported) || slices.Contains(w.Only, Standard) &&
		graph[imported].Standard
}

func matchesAny(patterns []string, path string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		return matches(pattern, path)
	})
}

// Unmatched returns the patterns that the walls are around and that match no package: a wall around
// nothing holds nothing.
func Unmatched(graph Graph, walls []Wall) (patterns []string) {
	for _, wall := range walls {
		for _, pattern := range wall.Around {
			matched := func(path string) bool { return matches(pattern, path) }
			if !slices.ContainsFunc(slices.Collect(maps.Keys(graph)), matched) {
				patterns = append(patterns, pattern)
			}
		}
	}
	return patterns
}
