package persistence

// nameKeyBytes is the length of a hidden name: 16 bytes of HMAC-SHA256.
const nameKeyBytes = 16

type nameKey [nameKeyBytes]byte
