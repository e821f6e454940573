package cron

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Sets and numbers in English.

// The sets that restrict nothing.
const (
	allHours    = 1<<24 - 1
	allDays     = 1<<32 - 2
	allMonths   = 1<<13 - 2
	allWeekdays = 1<<7 - 1
)

// list names ascending numbers: "1, 2 and 5 to 9", or "5 to 55 in steps of 10".
func list(numbers []int, name func(int) string) string {
	if step := formula(numbers); step > 1 {
		return fmt.Sprintf("%s to %s in steps of %d", name(numbers[0]),
			name(numbers[len(numbers)-1]), step)
	}
	return join(runs(numbers, name), "and")
}

// formula returns the step of numbers that are better told by it than one by one, else 0.
func formula(numbers []int) int {
	const fewest = 4
	if step := stepOf(numbers); step > 1 && len(numbers) >= fewest {
		return step
	}
	return 0
}

// listOf is list for plain numbers, with their noun: "minutes 1 and 5".
func listOf(noun string, numbers []int) string {
	if len(numbers) > 1 {
		noun += "s"
	}
	return noun + " " + list(numbers, strconv.Itoa)
}

// runs names ascending numbers; three and more in a row are one word.
func runs(numbers []int, name func(int) string) []string {
	var words []string
	for len(numbers) > 0 {
		n := 1
		for n < len(numbers) && numbers[n] == numbers[0]+n {
			n++
		}
		if n < 3 {
			words, numbers = append(words, name(numbers[0])), numbers[1:]
			continue
		}
		words, numbers = append(words, name(numbers[0])+" to "+name(numbers[n-1])), numbers[n:]
	}
	return words
}

// stepOf returns the distance between ascending numbers, 0 where it is not always the same or there
// is but one number.
func stepOf(numbers []int) int {
	step := 0
	for i := 1; i < len(numbers); i++ {
		d := numbers[i] - numbers[i-1]
		if i > 1 && d != step {
			return 0
		}
		step = d
	}
	return step
}

// evenStep returns the step of numbers that go on evenly from each minute, hour or day, of the
// given size, to the next; else 0.
func evenStep(numbers []int, size int) int {
	step := stepOf(numbers)
	if step > 0 && numbers[0] == 0 && numbers[len(numbers)-1]+step == size {
		return step
	}
	return 0
}

// join makes a list: "a, b and c".
func join(words []string, last string) string {
	n := len(words) - 1
	if n < 1 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:n], ", ") + " " + last + " " + words[n]
}

// each is "minute" for 1 and "5 minutes" for 5.
func each(n int, noun string) string {
	if n == 1 {
		return noun
	}
	return plural(n, noun)
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}

func ordinal(n int) string {
	suffix := "th"
	if n/10 != 1 && n%10 >= 1 && n%10 <= 3 {
		suffix = []string{"st", "nd", "rd"}[n%10-1]
	}
	return strconv.Itoa(n) + suffix
}

func monthName(n int) string { return time.Month(n).String() }

// weekdayName takes 7 for Sunday, too.
func weekdayName(n int) string { return time.Weekday(n % 7).String() }
