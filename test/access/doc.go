// Package access holds tests that start the real gustyd and gustyctl on Windows, or under Wine
// (make test-wine), and read back the access list of every file that they make. Like an operator
// with icacls it knows nothing of how they do it.
package access
