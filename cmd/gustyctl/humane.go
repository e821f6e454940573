package main

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"gusty/messages"
)

// humane returns a JSON value as a person reads it. The agent's key names carry their units, and
// the few old ones that do not are listed here.
func (a *app) humane(key string, raw json.RawMessage) string {
	var value any
	if json.Unmarshal(raw, &value) != nil {
		return string(raw)
	}
	switch v := value.(type) {
	case nil:
		return "-"
	case bool:
		return yesNo(v)
	case float64:
		return a.humaneNumber(key, v, string(raw))
	case string:
		return a.humaneText(v)
	case []any:
		return a.humaneList(key, raw)
	default:
		return string(raw)
	}
}

func (a *app) humaneNumber(key string, v float64, raw string) string {
	switch {
	case slices.Contains([]string{"memory", "cpu_usage", "disk_usage"}, key):
		return fmt.Sprintf("%.1f %%", v)
	case key == "script_type":
		return messages.ScriptType(v).String()
	case strings.HasSuffix(key, "_unix_seconds"):
		return a.localTime(time.Unix(int64(v), 0))
	case key == "bytes", strings.Contains(key, "_bytes"):
		return humaneBytes(v)
	case strings.HasSuffix(key, "_ms"):
		return humaneDuration(time.Duration(v * float64(time.Millisecond)))
	case key == "up_time", strings.HasSuffix(key, "_seconds"),
		strings.HasSuffix(key, "_seconds_total"):
		return humaneDuration(time.Duration(v * float64(time.Second)))
	default:
		return raw
	}
}

func (a *app) humaneText(text string) string {
	if at, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return a.localTime(at)
	}
	if text == "" {
		return "-"
	}
	return text
}

func (a *app) humaneList(key string, raw json.RawMessage) string {
	var items []json.RawMessage
	if json.Unmarshal(raw, &items) != nil || len(items) == 0 {
		return "-"
	}
	texts := make([]string, len(items))
	for i, item := range items {
		texts[i] = a.humane(key, item)
	}
	return strings.Join(texts, ", ")
}

// localTime returns a time as the clock on the wall here shows it.
func (a *app) localTime(at time.Time) string {
	if at.IsZero() {
		return "-"
	}
	return at.Local().Format("2006-01-02 15:04:05")
}

// distance says how far at is from now, in whole seconds: "in 3 h 5 min", "2 min 10 s ago", "now".
func (a *app) distance(at time.Time) string { return distanceFrom(a.now(), at) }

func distanceFrom(now, at time.Time) string {
	switch d := at.Sub(now).Truncate(time.Second); {
	case d > 0:
		return "in " + humaneDuration(d)
	case d < 0:
		return humaneDuration(-d) + " ago"
	default:
		return "now"
	}
}

func yesNo(v bool) string {
	if v {
		return "yes"
	}
	return "no"
}

// humaneDuration returns the two largest units that tell something: "0 s", "350 ms", "2.4 s", "1
// min 5 s", "3 h 12 min", "5 d 3 h".
func humaneDuration(d time.Duration) string {
	switch {
	case d < 0:
		return "-" + humaneDuration(-d)
	case d == 0:
		return "0 s"
	case d < time.Second:
		return strconv.FormatInt(d.Milliseconds(), 10) + " ms"
	case d < time.Minute:
		return strconv.FormatFloat(math.Floor(d.Seconds()*10)/10, 'f', -1, 64) + " s"
	case d < time.Hour:
		return twoUnits(d, time.Minute, "min", time.Second, "s")
	case d < 24*time.Hour:
		return twoUnits(d, time.Hour, "h", time.Minute, "min")
	default:
		return twoUnits(d, 24*time.Hour, "d", time.Hour, "h")
	}
}

func twoUnits(d, large time.Duration, largeName string, small time.Duration,
	smallName string,
) string {
	text := fmt.Sprintf("%d %s", d/large, largeName)
	if rest := d % large / small; rest > 0 {
		text += fmt.Sprintf(" %d %s", rest, smallName)
	}
	return text
}

// humaneBytes returns a size in the largest binary unit that leaves a number of at least one.
func humaneBytes(n float64) string {
	if n < 1024 {
		return strconv.FormatFloat(n, 'f', -1, 64) + " B"
	}
	units := []string{"KiB", "MiB", "GiB", "TiB"}
	n /= 1024
	for n >= 1024 && len(units) > 1 {
		n, units = n/1024, units[1:]
	}
	return fmt.Sprintf("%.1f %s", n, units[0])
}
