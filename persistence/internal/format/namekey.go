package format

// NameKeyBytes is the length of a hidden name: 16 bytes of HMAC-SHA256.
const NameKeyBytes = 16

type NameKey [NameKeyBytes]byte
