package private

import (
	"crypto/sha1" //nolint:gosec // it names services; it protects nothing here
	"encoding/binary"
	"fmt"
	"strings"
	"unicode/utf16"
)

// serviceSID returns the SID of the virtual account NT SERVICE\name: S-1-5-80 and the SHA-1 of the
// name in capitals and UTF-16, as five numbers. It exists whether or not a service has the name;
// only an administrator can register one.
func serviceSID(name string) string {
	hash := sha1.New() //nolint:gosec // see above
	for _, unit := range utf16.Encode([]rune(strings.ToUpper(name))) {
		hash.Write([]byte{byte(unit), byte(unit >> 8)})
	}
	sid, sum := "S-1-5-80", hash.Sum(nil)
	for ; len(sum) > 0; sum = sum[4:] {
		sid += fmt.Sprintf("-%d", binary.LittleEndian.Uint32(sum))
	}
	return sid
}
