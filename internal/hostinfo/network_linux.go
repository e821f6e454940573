package hostinfo

import (
	"bytes"
	"context"
)

// networkCollector reads /proc/net/dev.
type networkCollector struct{ proc procReader }

func (c *networkCollector) collect(context.Context) (func(*Figures), error) {
	content, err := c.proc.read("/proc/net/dev")
	if err != nil {
		return nil, err
	}
	received, sent := parseNetwork(content)
	return func(f *Figures) { f.NetReceivedBytes, f.NetSentBytes = received, sent }, nil
}

// parseNetwork sums the bytes of all interfaces but the loopback. A line is " eth0: 1 2 …": eight
// figures of what came in, bytes first, then eight of what went out; a large first figure may
// follow its colon without a blank. The two header lines have no colon.
func parseNetwork(content []byte) (received, sent uint64) {
	lines := scanner{content}
	for line, ok := lines.line(); ok; line, ok = lines.line() {
		name, figures, found := bytes.Cut(line.rest, []byte(":"))
		if !found || string(bytes.TrimSpace(name)) == "lo" {
			continue
		}
		columns := scanner{figures}
		received += columns.number()
		columns.skip(7)
		sent += columns.number()
	}
	return received, sent
}
