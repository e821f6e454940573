package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

// secondsValue is a flag that takes a duration as people write it (90s, 5m, 1h30m) or a bare number
// of seconds.
type secondsValue int64

func seconds(flags *pflag.FlagSet, name, help string) *secondsValue {
	v := new(secondsValue)
	flags.Var(v, name, help)
	return v
}

func (v *secondsValue) String() string { return strconv.FormatInt(int64(*v), 10) }

func (v *secondsValue) Type() string { return "duration" }

func (v *secondsValue) Set(text string) error {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		*v = secondsValue(n)
		return nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d%time.Second != 0 {
		return fmt.Errorf("%q is not a time in whole seconds, such as 90s, 5m or 1h30m", text)
	}
	*v = secondsValue(d / time.Second)
	return nil
}

// sizeValue is a flag that takes a number of bytes, also with a unit: 64KiB, 10M, 1GiB. All units
// are binary.
type sizeValue int64

func size(flags *pflag.FlagSet, name, help string) *sizeValue {
	v := new(sizeValue)
	flags.Var(v, name, help)
	return v
}

func (v *sizeValue) String() string { return strconv.FormatInt(int64(*v), 10) }

func (v *sizeValue) Type() string { return "size" }

func (v *sizeValue) Set(text string) error {
	digits := strings.TrimRight(text, "KMGTiBkmgtb")
	factor, ok := unitFactor(strings.ToUpper(text[len(digits):]))
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || !ok || n < 0 || n > math.MaxInt64/factor {
		return fmt.Errorf("%q is not a size, such as 65536, 64KiB or 10MiB", text)
	}
	*v = sizeValue(n * factor)
	return nil
}

func unitFactor(unit string) (factor int64, ok bool) {
	factor = 1
	for _, name := range []string{"", "K", "M", "G", "T"} {
		if unit == name || unit == name+"B" || (name != "" && unit == name+"IB") {
			return factor, true
		}
		factor <<= 10
	}
	return 1, false
}
