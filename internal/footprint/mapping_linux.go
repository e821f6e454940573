package footprint

import (
	"bufio"
	"io"
	"strconv"
	"strings"
)

// mapping is a range of addresses, end excluded.
type mapping struct{ start, end uintptr }

// readOnly finds in smaps, in the format of /proc/<pid>/smaps (proc(5)), the mappings of the file
// named path that hold nothing but what the file holds: private, not writable, and without a single
// anonymous page. Such a page was written once, while the mapping was still writable (relocations,
// in a position-independent executable) or by a debugger (a breakpoint), and would be lost.
func readOnly(smaps io.Reader, path string) (found []mapping) {
	var current mapping
	wanted := false
	lines := bufio.NewScanner(smaps)
	for lines.Scan() {
		line := lines.Text()
		if m, permissions, name, ok := parseHeader(line); ok {
			current, wanted = m, name == path && (permissions == "r-xp" || permissions == "r--p")
			continue
		}
		if size, ok := strings.CutPrefix(line, "Anonymous:"); ok && wanted &&
			strings.TrimSpace(size) == "0 kB" {
			found = append(found, current)
		}
	}
	return found
}

// parseHeader reads the line that begins a mapping: "00400000-00a5e000 r-xp 00000000 fe:01 1234
// /usr/bin/gustyd". Every other line begins with a word and a colon.
func parseHeader(line string) (m mapping, permissions, name string, ok bool) {
	addresses, rest, _ := strings.Cut(line, " ")
	from, to, ok := strings.Cut(addresses, "-")
	if !ok {
		return mapping{}, "", "", false
	}
	start, errStart := strconv.ParseUint(from, 16, strconv.IntSize)
	end, errEnd := strconv.ParseUint(to, 16, strconv.IntSize)
	permissions, _, _ = strings.Cut(rest, " ")
	for range 4 { // permissions, offset, device, inode
		_, rest, _ = strings.Cut(rest, " ")
	}
	return mapping{uintptr(start), uintptr(end)}, permissions, strings.TrimLeft(rest, " "),
		errStart == nil && errEnd == nil && start < end
}
