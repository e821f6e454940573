// Package term reads and shows quantities as people write them: 90s, 1h30m, 64MiB.
package term
