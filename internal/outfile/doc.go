// Package outfile opens what a command was told to write to.
//
// A regular file is replaced as a whole: the content goes to a temporary file beside it, which
// takes its name when all is written and durable, so that an existing file is never lost to a
// write that fails. What cannot be replaced without harm (a named pipe, a character device, a
// terminal, standard output) is written to as a stream. A directory, a block device and a socket
// are refused. A symbolic link stays as it is; what it leads to is the target.
package outfile
