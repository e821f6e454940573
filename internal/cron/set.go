package cron

import "math/bits"

// none is what a search in a set gives where there is no further member.
const none = 64

// firstFrom returns the smallest member of a set that is not below n, or none.
func firstFrom(set uint64, n int) int {
	return bits.TrailingZeros64(set >> n << n)
}

// The years a year field can hold.
const (
	firstYear = 1970
	lastYear  = 2100
)

// yearSet holds years from firstYear to lastYear, one bit each.
type yearSet [(lastYear-firstYear)/64 + 1]uint64

func (y *yearSet) add(year int) {
	y[(year-firstYear)/64] |= 1 << ((year - firstYear) % 64)
}

func (y *yearSet) holds(year int) bool {
	return y[(year-firstYear)/64]>>((year-firstYear)%64)&1 == 1
}

// firstFrom returns the first year of the set that is not before the given one; behind lastYear
// there is none.
func (y *yearSet) firstFrom(year int) int {
	year = max(year, firstYear)
	for ; year <= lastYear; year++ {
		if y.holds(year) {
			break
		}
	}
	return year
}

// members lists a set in ascending order.
func members(set uint64) []int {
	var all []int
	for n := firstFrom(set, 0); n < none; n = firstFrom(set, n+1) {
		all = append(all, n)
	}
	return all
}

// members lists the years in ascending order.
func (y *yearSet) members() []int {
	var all []int
	for year := y.firstFrom(firstYear); year <= lastYear; year = y.firstFrom(year + 1) {
		all = append(all, year)
	}
	return all
}
