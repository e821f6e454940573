package persistence

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
	plainPrefix     = "gusty-dpapi-1:"
	protectedPrefix = "gusty-dpapi-2:"
)

// keyEntropy goes into the protection of a key file, so that it opens to nobody who asks DPAPI for
// whatever he finds. It is no secret.
const keyEntropy = "gusty key file"

// dpapiFlags bind the key to the machine and not to one account, so that gustyctl can open the
// store of an agent that runs as LocalSystem. On the machine itself the access lists of the file
// and its directory keep others from it (internal/private).
const dpapiFlags = windows.CRYPTPROTECT_LOCAL_MACHINE | windows.CRYPTPROTECT_UI_FORBIDDEN

// protect encrypts the text of a key file for this machine.
func protect(text []byte) ([]byte, error) {
	in, entropy, out := blobOf(text), blobOf([]byte(keyEntropy)), windows.DataBlob{}
	if err := windows.CryptProtectData(&in, nil, &entropy, 0, nil, dpapiFlags, &out); err != nil {
		return nil, fmt.Errorf("DPAPI: %w", err)
	}
	sealed, err := take(out)
	return []byte(protectedPrefix + hex.EncodeToString(sealed) + "\n"), err
}

// unprotect decrypts what protect returned, and leaves other text as it is.
func unprotect(text []byte) ([]byte, error) {
	if digits, ok := bytes.CutPrefix(bytes.TrimSpace(text), []byte(plainPrefix)); ok {
		return unseal(digits, nil)
	}
	if digits, ok := bytes.CutPrefix(bytes.TrimSpace(text), []byte(protectedPrefix)); ok {
		entropy := blobOf([]byte(keyEntropy))
		return unseal(digits, &entropy)
	}
	return text, nil
}

// isOutdated reports whether a key file is protected as an earlier version did it.
func isOutdated(text []byte) bool {
	return bytes.HasPrefix(bytes.TrimSpace(text), []byte(plainPrefix))
}

func unseal(digits []byte, entropy *windows.DataBlob) ([]byte, error) {
	sealed := make([]byte, hex.DecodedLen(len(digits)))
	if _, err := hex.Decode(sealed, digits); err != nil || len(sealed) == 0 {
		return nil, nil // no key
	}
	in, out := blobOf(sealed), windows.DataBlob{}
	if err := windows.CryptUnprotectData(&in, nil, entropy, 0, nil, dpapiFlags, &out); err != nil {
		return nil, fmt.Errorf("DPAPI: %w", err)
	}
	return take(out)
}

func blobOf(b []byte) windows.DataBlob {
	return windows.DataBlob{Size: uint32(len(b)), Data: &b[0]}
}

// take copies what the system allocated, and frees it.
func take(blob windows.DataBlob) ([]byte, error) {
	b := bytes.Clone(unsafe.Slice(blob.Data, blob.Size))
	if _, err := windows.LocalFree(windows.Handle(unsafe.Pointer(blob.Data))); err != nil {
		return nil, fmt.Errorf("free memory: %w", err)
	}
	return b, nil
}
