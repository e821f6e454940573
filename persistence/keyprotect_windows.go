package persistence

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"unsafe"

	"golang.org/x/sys/windows"
)

// protectedPrefix stands before the hexadecimal digits of what DPAPI gave for the text of a key file.
const protectedPrefix = "gusty-dpapi-1:"

// dpapiFlags bind the key to the machine and not to one account, so that gustyctl can open the store of an agent that runs as LocalSystem. On
// the machine itself the access list of the data directory keeps others from the file.
const dpapiFlags = windows.CRYPTPROTECT_LOCAL_MACHINE | windows.CRYPTPROTECT_UI_FORBIDDEN

// protect encrypts the text of a key file for this machine.
func protect(text []byte) ([]byte, error) {
	in, out := blobOf(text), windows.DataBlob{}
	if err := windows.CryptProtectData(&in, nil, nil, 0, nil, dpapiFlags, &out); err != nil {
		return nil, fmt.Errorf("DPAPI: %w", err)
	}
	sealed, err := take(out)
	return []byte(protectedPrefix + hex.EncodeToString(sealed) + "\n"), err
}

// unprotect decrypts what protect gave, and leaves other text as it is.
func unprotect(text []byte) ([]byte, error) {
	digits, ok := bytes.CutPrefix(bytes.TrimSpace(text), []byte(protectedPrefix))
	if !ok {
		return text, nil
	}
	sealed := make([]byte, hex.DecodedLen(len(digits)))
	if _, err := hex.Decode(sealed, digits); err != nil || len(sealed) == 0 {
		return nil, nil // no key
	}
	in, out := blobOf(sealed), windows.DataBlob{}
	if err := windows.CryptUnprotectData(&in, nil, nil, 0, nil, dpapiFlags, &out); err != nil {
		return nil, fmt.Errorf("DPAPI: %w", err)
	}
	return take(out)
}

func blobOf(b []byte) windows.DataBlob { return windows.DataBlob{Size: uint32(len(b)), Data: &b[0]} }

// take copies what the system allocated, and frees it.
func take(blob windows.DataBlob) ([]byte, error) {
	b := bytes.Clone(unsafe.Slice(blob.Data, blob.Size))
	if _, err := windows.LocalFree(windows.Handle(unsafe.Pointer(blob.Data))); err != nil {
		return nil, fmt.Errorf("free memory: %w", err)
	}
	return b, nil
}
