// Package persistence keeps the agent's state: one bbolt file whose values are sealed one by one,
// and beside it the files of long output.
//
// # Who does what
//
// Changes are submitted and committed by one goroutine, the committer, which takes everything that
// waits into one transaction: an idle store adds no delay, a busy one shares its fsyncs. What a
// change expects is checked inside the transaction, so that a change fails alone. Reads run on
// their caller's goroutine, in bbolt's read transactions, and block nobody. Before bbolt gets to
// see a file, VerifyFile has read it with every bound checked, since bbolt trusts its pages and a
// damaged one can fault where no recover reaches.
//
// # Keys
//
// The key-encryption key comes from a KeySource. It wraps the root key and the data keys;
// kek_change.go moves them to another one. A new data key is made in a transaction that it seals
// already (rotate_rows.go); the rotator then has the committer seal everything else anew, a little
// in each transaction (rotate_worker.go, rotate_files.go), and deletes the old one. The keyring
// that all goroutines share gets to know a key before any value that it seals can be seen, and
// forgets none while the process lives. The witness (rollback.go) notices an older copy of the
// database.
//
// # Starts
//
// What was started of the runs that wait is noted in a file beside the database (start_marks.go),
// without a commit: a kill leaves no doubt about the others, and a boot of the host makes the file
// worthless.
//
// A file of an earlier format is verified, copied, and migrated in one transaction for each step
// (migrate.go), before anything else opens it.
//
// # Format, version 2
//
// Numbers are big-endian unless said otherwise; uvarint and varint are those of encoding/binary
// (varint is zigzag). HKDF is HKDF-SHA256 with the 16 bytes of the database id as salt; AEAD is
// AES-256-GCM with a 12-byte nonce and a 16-byte tag. docs/storage.md gives the numbers of all
// fields.
//
//	bucket meta,   key "header"      plain: "GUSTYDB\0", format uint16, database id [16], made at (ms since 1970) uint64,
//	                                 kind of key-encryption key (1: as it stands in its file, 2: argon2id of a passphrase) uint8,
//	                                 mark [8] = first bytes of HKDF(KEK, "gusty 1 kek mark"),
//	                                 argon2id memory (KiB) uint32, passes uint32, lanes uint8, salt [16],
//	                                 CRC-32 (IEEE) of all before uint32
//	bucket keys,   key version u32   nonce [12], AEAD(HKDF(KEK, "gusty 1 wrap"), key [32]),
//	                                 associated data: "gusty 1 wrap", 0, 1 uint16, database id, version uint32
//	bucket ledger, key "ledger"      a sealed value: the digests of all other buckets, how far a rotation of the data key is, and counters: of
//	                                 transactions, of seals, of the outbox, and of what the
//	                                 history of runs takes, which is absent where an earlier version wrote last and is then counted anew
//	all others                       rows: sealed values, or in the three orders of runs plain ones
//
// Key version 0 is the root key, of which come HKDF(root, "gusty 1 names"), which hides names, and
// HKDF(root, "gusty 1 row hashes"). It never changes. Versions from 1 on are data keys; the highest
// one seals what is written, the others open what is not sealed anew yet. Values are sealed with
// HKDF(data key, "gusty 1 values").
//
//	sealed value    key version uint32, nonce [12], ciphertext, tag [16]; associated data: 1 uint16, database id, key version uint32,
//	                length of the bucket's name uint8, the name, the row's key
//	hidden name     first 16 bytes of HMAC-SHA256(names key, kind, 0, name); kind is job, parameter, user or setting
//	row hash        HMAC-SHA256(row hash key, bucket number uint8, length of key uint16, key, value); of a sealed value only its first 16
//	                and last 16 bytes
//	digest          number of rows, and the sum of their hashes, as little-endian numbers, modulo 2^256
//	record          what a sealed value holds: fields of number (uvarint), length (uvarint), data
//
// Nonces are random: a data key is good for 2^32 values (NIST SP 800-38D, 8.3). The ledger counts
// them, and long before a new key takes over.
//
// The orders' keys are run ids behind a hidden job name, a state number, or both. Without the keys
// the file tells how many rows there are, how long they are, when runs were made and which of them
// belong together.
//
// # History
//
// Runs that ran are bound in number under each name, and all runs by bytes and age
// (docs/storage.md). What did not run is worth less: under each name its records are bound apart,
// older ones are folded into one with a count (retention_fold.go), and while the history is full
// they go first (retention_oldest.go). A list (run_list.go) counts both and names the newest that
// did not run, so that nothing has to be looked for.
//
// Every transaction counts what it adds and takes, and trims a little (retention.go); where that is
// not enough, the trimmer asks for transactions that do nothing else (retention_worker.go). A run's
// record notes the size of its output files and which outbox documents refer to them, so that
// neither counting nor waiting for the shipper needs a scan. What an earlier version counted
// otherwise is counted once, at start (runrecount.go).
//
// # Output files
//
// output/<run id>.<segment>: segment 0 is the head of both streams, 1 and 2 are the tails of
// standard output, 3 and 4 those of standard error; two tails take turns.
//
//	header   "GUSTYOUT", 1 uint16, version of the data key uint32, salt [16]
//	frame    length of what follows the number uint32, number uint64, AEAD(segment key, piece)
//	         nonce: 4 zero bytes, the number; associated data: run id [16], segment uint8, the number
//	piece    sequence uint64, offset in the stream uint64, time (ns since 1970) uint64, stream (1 or 2) uint8, bytes
//
// The segment key is HKDF-SHA256(data key, salt: the header's, info: "gusty 1 output", 0, database
// id, run id, segment uint8), so that numbers can count from 0 in each file. A frame that is cut
// short ends its segment. Pieces in order of their sequence (and offset) are the output in order of
// arrival; offsets tell what was left out.
package persistence
