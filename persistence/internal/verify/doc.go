// Package verify checks a closed database whole, in this process or in a child that a damaged file
// may take down with it.
package verify
