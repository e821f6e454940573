package cron

import (
	"fmt"
	"strings"

	"pgregory.net/rapid"
)

// dialect says what a generated field may hold.
type dialect struct {
	min, max int
	names    [][]string // of the values from firstNamed on
	first    int        // the first value with a name
	question bool
}

// genField draws a field: its text and the values it stands for, each worked out from the text's
// own parts.
func genField(t *rapid.T, d dialect, label string) (string, map[int]bool) {
	set := map[int]bool{}
	var items []string
	for range rapid.IntRange(1, 3).Draw(t, label+" items") {
		text, from, to, step := genItem(t, d, label)
		items = append(items, text)
		for v := from; v <= to; v += step {
			set[v] = true
		}
	}
	return strings.Join(items, ","), set
}

func genItem(t *rapid.T, d dialect, label string) (text string, from, to, step int) {
	from = rapid.IntRange(d.min, d.max).Draw(t, label+" from")
	to = rapid.IntRange(from, d.max).Draw(t, label+" to")
	step = rapid.SampledFrom([]int{1, 2, 3, 5, 7, 15, 40, 1000}).Draw(t, label+" step")
	switch rapid.SampledFrom([]string{
		"star", "star", "star/", "point", "range", "range/", "point/",
		"name", "names", "names/",
	}).Draw(t, label) {
	case "star/":
		return star(t, d) + fmt.Sprintf("/%d", step), d.min, d.max, step
	case "point":
		return number(t, from), from, from, 1
	case "range":
		return number(t, from) + "-" + number(t, to), from, to, 1
	case "range/":
		return fmt.Sprintf("%s-%s/%d", number(t, from), number(t, to), step), from, to, step
	case "point/":
		return fmt.Sprintf("%s/%d", number(t, from), step), from, d.max, step
	case "name":
		if d.named(from) {
			return d.name(t, from), from, from, 1
		}
	case "names":
		if d.named(from) && d.named(to) {
			return d.name(t, from) + "-" + d.name(t, to), from, to, 1
		}
	case "names/":
		if d.named(from) && d.named(to) {
			return fmt.Sprintf("%s-%s/%d", d.name(t, from), d.name(t, to), step), from, to, step
		}
	}
	return star(t, d), d.min, d.max, 1
}

func star(t *rapid.T, d dialect) string {
	if d.question && rapid.Bool().Draw(t, "question") {
		return "?"
	}
	return "*"
}

func number(t *rapid.T, n int) string {
	return fmt.Sprintf("%0*d", rapid.SampledFrom([]int{1, 1, 1, 2, 3}).Draw(t, "digits"), n)
}

func (d dialect) named(v int) bool { return v >= d.first && v-d.first < len(d.names) }

func (d dialect) name(t *rapid.T, v int) string {
	name := rapid.SampledFrom(d.names[v-d.first]).Draw(t, "name")
	return rapid.SampledFrom([]string{name, strings.ToUpper(name), strings.ToUpper(name[:1]) +
		name[1:]}).Draw(t, "case")
}

func short(names ...string) (all [][]string) {
	for _, n := range names {
		all = append(all, []string{n[:3]})
	}
	return all
}

func long(names ...string) (all [][]string) {
	for _, n := range names {
		all = append(all, []string{n[:3], n})
	}
	return all
}

var (
	monthNames = []string{
		"january", "february", "march", "april", "may", "june", "july",
		"august", "september", "october", "november", "december",
	}
	weekdayNames = []string{
		"sunday", "monday", "tuesday", "wednesday", "thursday", "friday",
		"saturday",
	}
)

// genExpression draws an expression of any form, and the naive evaluator of it.
func genExpression(t *rapid.T) (string, *naive) {
	if rapid.Bool().Draw(t, "crontab") {
		return genCrontab(t)
	}
	return genQuartz(t)
}

func genCrontab(t *rapid.T) (string, *naive) {
	n := &naive{seconds: map[int]bool{0: true}}
	var text [5]string
	text[0], n.minutes = genField(t, dialect{max: 59}, "minute")
	text[1], n.hours = genField(t, dialect{max: 23}, "hour")
	text[2], n.doms = genField(t, dialect{min: 1, max: 31}, "dom")
	text[3], n.months = genField(t, dialect{
		min:   1,
		max:   12,
		names: short(monthNames...),
		first: 1,
	}, "month")
	text[4], n.dows = genField(t, dialect{max: 7, names: short(weekdayNames...)}, "dow")
	if n.dows[7] {
		n.dows[0] = true
	}
	n.either = text[2][0] != '*' && text[4][0] != '*'
	return strings.Join(text[:], " "), n
}

func genQuartz(t *rapid.T) (string, *naive) {
	n := &naive{dows: map[int]bool{}}
	var text [6]string
	text[0], n.seconds = genField(t, dialect{max: 59}, "second")
	text[1], n.minutes = genField(t, dialect{max: 59}, "minute")
	text[2], n.hours = genField(t, dialect{max: 23}, "hour")
	text[3], n.doms = genField(t, dialect{min: 1, max: 31, question: true}, "dom")
	text[4], n.months = genField(t, dialect{
		min:   1,
		max:   12,
		names: long(monthNames...),
		first: 1,
	}, "month")
	dow, dows := genField(t, dialect{
		min:      1,
		max:      7,
		names:    long(weekdayNames...),
		first:    1,
		question: true,
	}, "dow")
	text[5] = dow
	for v := range dows {
		n.dows[v-1] = true
	}
	year, years := "*", map[int]bool(nil)
	if rapid.Bool().Draw(t, "years") {
		year, years = genField(t, dialect{min: 1970, max: 2100}, "year")
	}
	n.years = map[int]bool{}
	for y := 1970; y <= 2100; y++ {
		if years == nil || years[y] {
			n.years[y] = true
		}
	}
	if years == nil {
		return strings.Join(text[:], " "), n
	}
	return strings.Join(text[:], "\t") + " " + year, n
}
