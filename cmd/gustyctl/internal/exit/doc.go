// Package exit holds gustyctl's exit codes, and the errors that lead to them.
package exit
