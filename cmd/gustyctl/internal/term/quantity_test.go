package term

import "testing"

func TestSizeValue(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "65536": 65536, "64K": 65536, "64KiB": 65536, "64kb": 65536, "1MiB": 1 << 20, "2g": 2 << 30, "1TiB": 1 << 40, "7B": 7,
		"": -1, "K": -1, "-1": -1, "1.5M": -1, "1X": -1, "1KK": -1, "1iB": -1, "9999999999T": -1,
	} {
		var v SizeValue
		err := v.Set(text)
		if (err != nil) != (want < 0) || (err == nil && int64(v) != want) {
			t.Errorf("%q: got %d, %v, want %d", text, v, err, want)
		}
	}
}

func TestSecondsValue(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "90": 90, "90s": 90, "1h30m": 5400, "-5": -5, "": -99, "1.5s": -99, "500ms": -99, "soon": -99, "1d": -99,
	} {
		var v SecondsValue
		err := v.Set(text)
		if (err != nil) != (want == -99) || (err == nil && int64(v) != want) {
			t.Errorf("%q: got %d, %v, want %d", text, v, err, want)
		}
	}
}
