package term

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

// SecondsValue is a flag that takes a duration as people write it (90s, 5m, 1h30m) or a bare number
// of seconds.
type SecondsValue int64

func Seconds(flags *pflag.FlagSet, name, help string) *SecondsValue {
	v := new(SecondsValue)
	flags.Var(v, name, help)
	return v
}

func (v *SecondsValue) String() string { return strconv.FormatInt(int64(*v), 10) }

func (v *SecondsValue) Type() string { return "duration" }

func (v *SecondsValue) Set(text string) error {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		*v = SecondsValue(n)
		return nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d%time.Second != 0 {
		return fmt.Errorf("%q is not a time in whole seconds, such as 90s, 5m or 1h30m", text)
	}
	*v = SecondsValue(d / time.Second)
	return nil
}

// SizeValue is a flag that takes a number of bytes, also with a unit: 64KiB, 10M, 1GiB. All units
// are binary.
type SizeValue int64

func Size(flags *pflag.FlagSet, name, help string) *SizeValue {
	v := new(SizeValue)
	flags.Var(v, name, help)
	return v
}

func (v *SizeValue) String() string { return strconv.FormatInt(int64(*v), 10) }

func (v *SizeValue) Type() string { return "size" }

func (v *SizeValue) Set(text string) error {
	digits := strings.TrimRight(text, "KMGTiBkmgtb")
	factor, ok := unitFactor(strings.ToUpper(text[len(digits):]))
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || !ok || n < 0 || n > math.MaxInt64/factor {
		return fmt.Errorf("%q is not a size, such as 65536, 64KiB or 10MiB", text)
	}
	*v = SizeValue(n * factor)
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
