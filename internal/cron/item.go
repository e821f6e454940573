package cron

import (
	"errors"
	"fmt"
	"strings"
)

// values are what one item of a list stands for: from, from+step and so on, up to to.
type values struct{ from, to, step int }

// parseItem reads one item of a list: "*", "a" or "a-b", each with a "/step" or without.
func (f *field) parseItem(item string) (values, error) {
	if item == "" {
		return values{}, errors.New("an item of the list is empty; " + f.takes())
	}
	base, stepText, stepped := strings.Cut(item, "/")
	v, err := f.parseBase(base, stepped)
	if err == nil && stepped {
		v.step, err = f.parseStep(stepText)
	}
	if errors.Is(err, errNoValue) {
		err = fmt.Errorf("%s %w; %s", quote(item), err, f.takes())
	}
	return v, err
}

// parseBase reads what stands before a step.
func (f *field) parseBase(base string, stepped bool) (values, error) {
	if base == "*" || base == "?" && f.question {
		return values{f.min, f.max, 1}, nil
	}
	if low, high, ok := strings.Cut(base, "-"); ok {
		return f.parseRange(low, high)
	}
	value, named, err := f.parseValue(base)
	switch {
	case err != nil:
		return values{}, err
	case stepped && named:
		return values{},
			fmt.Errorf("the name %s takes no step; a range does, like %s/2", quote(base),
				f.namedRange("-"))
	case stepped:
		return values{value, f.max, 1}, nil
	}
	return values{value, value, 1}, nil
}

func (f *field) parseRange(low, high string) (values, error) {
	from, fromNamed, err := f.parseValue(low)
	if err != nil {
		return values{}, err
	}
	to, toNamed, err := f.parseValue(high)
	switch {
	case err != nil:
		return values{}, err
	case fromNamed != toNamed && !f.mixed:
		return values{},
			fmt.Errorf("%s mixes a name and a number; use two names or two numbers",
				quote(low+"-"+high))
	case from > to:
		return values{}, fmt.Errorf("%s runs backwards; a range rises within %d to %d, so write "+
			"two of them", quote(low+"-"+high), f.min, f.max)
	}
	return values{from, to, 1}, nil
}

// parseStep reads a step. One that is larger than the field leaves only the first value, however
// large it is.
func (f *field) parseStep(text string) (int, error) {
	number, ok := parseNumber(text)
	if !ok || number < 1 || number >= tooLarge {
		return 0,
			fmt.Errorf("the step %s is not a whole number from 1 to %d", quote(text),
				uint64(tooLarge-1))
	}
	return int(min(number, uint64(f.max)+1)), nil
}

// errNoValue says that a word is neither a number nor a name of the field.
var errNoValue = errors.New("is not understood")

// parseValue reads a number or a name.
func (f *field) parseValue(text string) (value int, named bool, err error) {
	if value, ok := f.lookup(text); ok {
		return value, true, nil
	}
	number, ok := parseNumber(text)
	switch {
	case !ok:
		return 0, false, errNoValue
	case number < uint64(f.min) || number > uint64(f.max):
		return 0, false, fmt.Errorf("%s is out of range %d to %d", trimZeros(text), f.min, f.max)
	}
	return int(number), false, nil
}
