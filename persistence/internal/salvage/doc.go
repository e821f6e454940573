// Package salvage reads what is readable of a damaged database, page by page, in a child process.
package salvage
