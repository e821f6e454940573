package format

const NonceBytes = 12

// A sealed value is the version of its data key (4 bytes), a random nonce (12), the ciphertext, and
// the tag (16).
const (
	SealedHead  = 4 + NonceBytes
	SealedTail  = 16
	SealedExtra = SealedHead + SealedTail
)
