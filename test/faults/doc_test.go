// Package faults makes each actor of a real agent fail, in a build that can be told to (-tags
// faults), and looks at what an operator sees.
package faults
