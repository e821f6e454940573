package jobfile

import (
	"fmt"

	"gopkg.in/yaml.v3"

	"gusty/messages"
)

// The kinds of fields. at gives the place in the job that the field is kept in.

func text[T ~string](name string, at func(*messages.Job) *T) jobField {
	return jobField{
		Name: name,
		Read: func(j *messages.Job, n *yaml.Node) error {
			value, err := scalar(n)
			*at(j) = T(value)
			return err
		},
		Value: func(j *messages.Job) any { return *at(j) },
	}
}

func truth(name string, at func(*messages.Job) *bool) jobField {
	return jobField{
		Name: name,
		Read: func(j *messages.Job, n *yaml.Node) error {
			if n.Decode(at(j)) != nil || n.Tag == "!!null" {
				return fmt.Errorf("takes true or false")
			}
			return nil
		},
		Value: func(j *messages.Job) any { return *at(j) },
	}
}

func number[T int | int64](name string, parse func(string) (int64, error),
	at func(*messages.Job) *T,
) jobField {
	return jobField{
		Name: name,
		Read: func(j *messages.Job, n *yaml.Node) error {
			written, err := scalar(n)
			if err != nil {
				return err
			}
			value, err := parse(written)
			*at(j) = T(value)
			if err == nil && int64(T(value)) != value {
				return fmt.Errorf("%s is too large", written)
			}
			return err
		},
		Value: func(j *messages.Job) any { return *at(j) },
	}
}
