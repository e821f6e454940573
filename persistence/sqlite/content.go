package sqlite

import (
	"bytes"
	"encoding/base64"
	"unicode/utf8"
)

// Encoding says how the scripts of a file are stored.
type Encoding string

// The encodings.
const (
	EncodingAuto   Encoding = ""       // told for each script by the rule of decodeContent
	EncodingBase64 Encoding = "base64" // all of them
	EncodingPlain  Encoding = "plain"  // none of them
)

// decodeContent returns the script of a stored content, and how it was read. The Rust agent stored
// what clients sent, which is base64, and its own two scripts as they are. A content is base64
// where all of this holds: it has only characters of the standard alphabet, with the right padding
// and the right length, but for line breaks; and what it decodes to is a text: UTF-8 without
// control characters other than white space, or anything that begins with #!. A short word such as
// "date" is base64 by its letters, and decodes to no text.
func decodeContent(content []byte, how Encoding) (script []byte, read Encoding, err error) {
	if len(content) == 0 || how == EncodingPlain {
		return content, EncodingPlain, nil
	}
	decoded, err := base64.StdEncoding.Strict().DecodeString(string(content))
	switch {
	case how == EncodingBase64:
		return decoded, EncodingBase64, err
	case err == nil && (isText(decoded) || bytes.HasPrefix(decoded, []byte("#!"))):
		return decoded, EncodingBase64, nil
	}
	return content, EncodingPlain, nil
}

func isText(data []byte) bool {
	if !utf8.Valid(data) {
		return false
	}
	for _, c := range data {
		if c < ' ' && (c < '\t' || c > '\r') || c == 0x7f {
			return false
		}
	}
	return true
}
