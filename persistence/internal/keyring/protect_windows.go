package keyring

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"unsafe"

	"golang.org/x/sys/windows"
)

// These stand before the hexadecimal digits of what DPAPI returned for the text of a key file:
// without entropy in files of earlier versions, with keyEntropy since.
const (
	PlainPrefix     = "gusty-dpapi-1:"
	ProtectedPrefix = "gusty-dpapi-2:"
)

// keyEntropy goes into the protection of a key file, so that it opens to nobody who asks DPAPI for
// whatever he finds. It is no secret.
const keyEntropy = "gusty key file"

// DpapiFlags bind the key to the machine and not to one account, so that gustyctl can open the
// store of an agent that runs as LocalSystem. On the machine itself the access lists of the file
// and its directory keep others from it (internal/private).
const DpapiFlags = windows.CRYPTPROTECT_LOCAL_MACHINE | windows.CRYPTPROTECT_UI_FORBIDDEN

// Protect encrypts the text of a key file for this machine.
func Protect(text []byte) ([]byte, error) {
	in, entropy, out := BlobOf(text), BlobOf([]byte(keyEntropy)), windows.DataBlob{}
	if err := windows.CryptProtectData(&in, nil, &entropy, 0, nil, DpapiFlags, &out); err != nil {
		return nil, fmt.Errorf("DPAPI: %w", err)
	}
	sealed, err := Take(out)
	return []byte(ProtectedPrefix + hex.EncodeToString(sealed) + "\n"), err
}

// Unprotect decrypts what protect returned, and leaves other text as it is.
func Unprotect(text []byte) ([]byte, error) {
	if digits, ok := bytes.CutPrefix(bytes.TrimSpace(text), []byte(PlainPrefix)); ok {
		return unseal(digits, nil)
	}
	if digits, ok := bytes.CutPrefix(bytes.TrimSpace(text), []byte(ProtectedPrefix)); ok {
		entropy := BlobOf([]byte(keyEntropy))
		return unseal(digits, &entropy)
	}
	return text, nil
}

// isOutdated reports whether a key file is protected as an earlier version did it.
func isOutdated(text []byte) bool {
	return bytes.HasPrefix(bytes.TrimSpace(text), []byte(PlainPrefix))
}

func unseal(digits []byte, entropy *windows.DataBlob) ([]byte, error) {
	sealed := make([]byte, hex.DecodedLen(len(digits)))
	if _, err := hex.Decode(sealed, digits); err != nil || len(sealed) == 0 {
		return nil, nil // no key
	}
	in, out := BlobOf(sealed), windows.DataBlob{}
	if err := windows.CryptUnprotectData(&in, nil, entropy, 0, nil, DpapiFlags, &out); err != nil {
		return nil, fmt.Errorf("DPAPI: %w", err)
	}
	return Take(out)
}

func BlobOf(b []byte) windows.DataBlob {
	return windows.DataBlob{Size: uint32(len(b)), Data: &b[0]}
}

// Take copies what the system allocated, and frees it.
func Take(blob windows.DataBlob) ([]byte, error) {
	b := bytes.Clone(unsafe.Slice(blob.Data, blob.Size))
	if _, err := windows.LocalFree(windows.Handle(unsafe.Pointer(blob.Data))); err != nil {
		return nil, fmt.Errorf("free memory: %w", err)
	}
	return b, nil
}
