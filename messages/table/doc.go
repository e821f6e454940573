// Package table holds the rows of an export, as the lines of JSON and the tables of SQLite that
// they are written to, and what is wrong with a line that is none.
package table
