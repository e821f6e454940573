// Package datadir knows the data directory: its lock, the names of the files in it, how they are
// replaced together and made durable, and what an error of its disk means.
package datadir
