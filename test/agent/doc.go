// Package agent starts the real gustyd for tests and measurements: on a data directory of its own,
// on a free port of 127.0.0.1, waited for until it says that it is ready. It gives the address, the
// CA, the first credentials and the process id, reads the agent's memory and processor time from
// /proc, and ends it by its process id. Nothing here imports a package of the agent: what starts
// the executable sees it as an operator does, by its files, its log, its exit code and its answers.
package agent
