package persistence

const nonceBytes = 12

// A sealed value is the version of its data key (4 bytes), a random nonce (12), the ciphertext, and
// the tag (16).
const (
	sealedHead  = 4 + nonceBytes
	sealedTail  = 16
	sealedExtra = sealedHead + sealedTail
)
