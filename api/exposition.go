package api

import (
	"bytes"
	"strconv"
	"strings"
	"time"

	"gusty/messages"
)

// mediaPrometheus is the text format that every Prometheus since 0.4.0 reads.
// Source: https://prometheus.io/docs/instrumenting/exposition_formats/
const mediaPrometheus = "text/plain; version=0.0.4; charset=utf-8"

// exposition writes metric families in the Prometheus text format. A family is one call of gauge or
// counter (help and type), followed by its values.
type exposition struct {
	out  bytes.Buffer
	name string
}

func (e *exposition) family(kind, name, help string) {
	e.name = name
	e.out.WriteString("# HELP " + name + " " + help + "\n# TYPE " + name + " " + kind + "\n")
}

// label is one name and value; the value may be any UTF-8.
type label struct{ name, value string }

// value writes one sample of the family that was named last.
func (e *exposition) value(v float64, labels ...label) { e.sample("", v, labels) }

func (e *exposition) sample(suffix string, v float64, labels []label) {
	e.out.WriteString(e.name + suffix)
	for i, l := range labels {
		e.out.WriteByte("{,"[min(i, 1)])
		e.out.WriteString(l.name + `="` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(l.value) + `"`)
	}
	if len(labels) > 0 {
		e.out.WriteByte('}')
	}
	e.out.WriteByte(' ')
	e.out.Write(strconv.AppendFloat(e.out.AvailableBuffer(), v, 'g', -1, 64))
	e.out.WriteByte('\n')
}

// gauge writes a family with one value.
func (e *exposition) gauge(name, help string, v float64) {
	e.family("gauge", name, help)
	e.value(v)
}

// counter writes a family with one value.
func (e *exposition) counter(name, help string, v float64) {
	e.family("counter", name, help)
	e.value(v)
}

// histogram writes a family whose buckets are cumulative, as the format wants them.
func (e *exposition) histogram(name, help string, h messages.Histogram) {
	e.family("histogram", name, help)
	total := 0.0
	for i, n := range h.Counts {
		total += float64(n)
		bound := "+Inf"
		if i < len(h.Bounds) {
			bound = strconv.FormatFloat(h.Bounds[i], 'g', -1, 64)
		}
		e.sample("_bucket", total, []label{{"le", bound}})
	}
	if len(h.Counts) <= len(h.Bounds) { // none was measured yet
		e.sample("_bucket", total, []label{{"le", "+Inf"}})
	}
	e.sample("_sum", h.Sum, nil)
	e.sample("_count", total, nil)
}

func oneIf(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

// unixSeconds returns 0 for no time.
func unixSeconds(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMilli()) / 1000
}
