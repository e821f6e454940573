// Package crash ends the real gustyd by SIGKILL in the middle of concurrent writes, and of firings,
// again and again, and holds it to its word: what it acknowledged is there after the next start,
// every start is a clean one, and every due time has one outcome. It also records what the agent
// writes to its database, and puts together what a disk may show of that after a power cut.
package crash
