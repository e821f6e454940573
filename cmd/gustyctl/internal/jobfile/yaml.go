package jobfile

import (
	"fmt"
	"strconv"

	"gopkg.in/yaml.v3"

	"gusty/cmd/gustyctl/internal/term"
)

// What a YAML node must be to be a field's value. The text is taken as it is written: an
// environment's PORT: 0080 stays 0080, and a description of yes stays yes.

func scalar(n *yaml.Node) (string, error) {
	switch {
	case n.Kind != yaml.ScalarNode:
		return "", fmt.Errorf("takes one value, not a list or a group of names")
	case n.Tag == "!!null":
		return "", fmt.Errorf(`has no value; write "" for an empty one, or leave the line out`)
	case n.Tag == "!!binary":
		return "", fmt.Errorf("takes text, not !!binary; a script of such bytes lies in a file " +
			"of its own")
	default:
		return n.Value, nil
	}
}

func scalars(n *yaml.Node) ([]string, error) {
	if n.Kind != yaml.SequenceNode {
		return nil, fmt.Errorf("takes a list, as in [a, b]")
	}
	texts := make([]string, len(n.Content))
	for i, item := range n.Content {
		text, err := scalar(dereferenced(item))
		if err != nil {
			return nil, err
		}
		texts[i] = text
	}
	return texts, nil
}

// eachPair calls each for every name and value of a mapping, and refuses a name that stands twice.
func eachPair(n *yaml.Node, each func(name string, value *yaml.Node) error) error {
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name := n.Content[i].Value
		if seen[name] {
			return fmt.Errorf("%s stands twice", name)
		}
		seen[name] = true
		if err := each(name, dereferenced(n.Content[i+1])); err != nil {
			return err
		}
	}
	return nil
}

// dereferenced returns what an alias stands for.
func dereferenced(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

func parseWhole(text string) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is not a whole number", text)
	}
	return n, nil
}

// parseSeconds and parseSize take what the flags of job add take: a bare number, or one with a
// unit.

func parseSeconds(text string) (int64, error) {
	var v term.SecondsValue
	err := v.Set(text)
	return int64(v), err
}

func parseSize(text string) (int64, error) {
	var v term.SizeValue
	err := v.Set(text)
	return int64(v), err
}
