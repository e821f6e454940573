package format

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/crypto/argon2"
)

// store is an opened store: docs/storage.md, Format.
type store struct {
	dir      string
	format   uint16
	database []byte
	buckets  map[string][]element
	keys     map[uint32][]byte
}

// fields are a record's, by number: docs/storage.md, Records.
type fields map[uint64][][]byte

func openStore(dir string, passphrase string) (*store, error) {
	file, err := os.ReadFile(filepath.Join(dir, "gusty.db"))
	if err != nil {
		return nil, err
	}
	return openFile(dir, file, passphrase)
}

func openFile(dir string, file []byte, passphrase string) (*store, error) {
	c, err := openContainer(file)
	if err != nil {
		return nil, err
	}
	s := &store{dir: dir, buckets: c.buckets(), keys: map[uint32][]byte{}}
	kek, err := s.kek(s.buckets["meta"][0].value, passphrase)
	if err != nil {
		return nil, err
	}
	for _, e := range s.buckets["keys"] {
		ad := slices.Concat([]byte("gusty 1 wrap\x00\x00\x01"), s.database, e.key)
		if s.keys[binary.BigEndian.Uint32(e.key)], err = open(s.hkdf(kek, "gusty 1 wrap"),
			e.value[:12], e.value[12:], ad); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// kek reads the header and returns the key-encryption key.
func (s *store) kek(header []byte, passphrase string) (kek []byte, err error) {
	body, sum := header[:len(header)-4], binary.BigEndian.Uint32(header[len(header)-4:])
	s.format, s.database = binary.BigEndian.Uint16(header[8:]), header[10:26]
	if string(header[:8]) != "GUSTYDB\x00" || crc32.ChecksumIEEE(body) != sum ||
		len(header) != map[uint16]int{1: 47, 2: 72}[s.format] {
		return nil, fmt.Errorf("the header is % x", header)
	}
	if header[34] == 2 {
		memory, passes, lanes, salt := binary.BigEndian.Uint32(
			header[43:]), binary.BigEndian.Uint32(header[47:]), header[51], header[52:68]
		kek = argon2.IDKey([]byte(passphrase), salt, passes, memory, lanes, 32)
	} else {
		text, readErr := os.ReadFile(filepath.Join(s.dir, "key"))
		if readErr != nil {
			return nil, readErr
		}
		kek, err = hex.DecodeString(strings.TrimPrefix(strings.TrimSpace(string(text)),
			"gusty-key-1:"))
	}
	if !bytes.Equal(s.hkdf(kek, "gusty 1 kek mark")[:8], header[35:43]) {
		return nil, fmt.Errorf("the key is another one")
	}
	return kek, err
}

func (s *store) hkdf(secret []byte, info string) []byte { return derive(secret, s.database, info) }

func derive(secret, salt []byte, info string) []byte {
	key, err := hkdf.Key(sha256.New, secret, salt, info, 32)
	if err != nil {
		panic(err) // only of a length that is too great
	}
	return key
}

func open(key, nonce, sealed, ad []byte) ([]byte, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	return aead.Open(nil, nonce, sealed, ad)
}

// record opens a sealed value.
func (s *store) record(bucket string, e element) (fields, error) {
	version := binary.BigEndian.Uint32(e.value)
	ad := slices.Concat([]byte{0, 1}, s.database, e.value[:4], []byte{byte(len(bucket))},
		[]byte(bucket), e.key)
	plain, err := open(s.hkdf(s.keys[version], "gusty 1 values"), e.value[4:16], e.value[16:], ad)
	if err != nil {
		return nil, fmt.Errorf("a row of %s: %w", bucket, err)
	}
	return parse(plain), nil
}

func parse(record []byte) fields {
	f := fields{}
	for len(record) > 0 {
		number, n := binary.Uvarint(record)
		size, m := binary.Uvarint(record[n:])
		record = record[n+m:]
		f[number] = append(f[number], record[:size])
		record = record[size:]
	}
	return f
}

func (f fields) text(number uint64) string {
	if len(f[number]) == 0 {
		return ""
	}
	return string(f[number][0])
}

func (f fields) uint(number uint64) uint64 {
	n, _ := binary.Uvarint([]byte(f.text(number)))
	return n
}

// hidden returns the key of a name: docs/storage.md, Hidden names.
func (s *store) hidden(kind, name string) []byte {
	mac := hmac.New(sha256.New, s.hkdf(s.keys[0], "gusty 1 names"))
	mac.Write([]byte(kind + "\x00" + name))
	return mac.Sum(nil)[:16]
}

// bucketNames are the buckets in the order of their numbers.
func bucketNames() []string {
	return []string{
		"agent_version", "server_config", "scheduled_jobs", "user_creds", "node_app_details",
		"job_state", "runs", "runs_by_job", "runs_by_state",
		"runs_by_job_state", "run_lists", "outbox", "settings", "tokens", "audit",
	}
}

// checkDigests compares every bucket with the ledger, and opens every row: docs/storage.md, Row
// hashes.
func (s *store) checkDigests() (ledger fields, err error) {
	if ledger, err = s.record("ledger", s.buckets["ledger"][0]); err != nil {
		return nil, err
	}
	key := s.hkdf(s.keys[0], "gusty 1 row hashes")
	for number, name := range bucketNames() {
		sum := new(big.Int)
		for _, e := range s.buckets[name] {
			sum.Add(sum, rowHash(key, number, name, e))
			if strings.HasPrefix(name, "runs_by") {
				continue
			}
			if _, err := s.record(name, e); err != nil {
				return nil, err
			}
		}
		want := []byte(ledger.text(32 + uint64(number)))
		rows, n := binary.Uvarint(want)
		if n < 0 || int(rows) != len(s.buckets[name]) ||
			sum.Mod(sum, new(big.Int).Lsh(big.NewInt(1), 256)).Cmp(little(want[n:])) != 0 {
			return nil,
				fmt.Errorf("%s has %d rows, and other ones than the ledger's %d", name,
					len(s.buckets[name]), rows)
		}
	}
	return ledger, nil
}

func rowHash(key []byte, number int, bucket string, e element) *big.Int {
	value := e.value
	if !strings.HasPrefix(bucket, "runs_by") {
		value = slices.Concat(value[:16], value[len(value)-16:])
	}
	mac := hmac.New(sha256.New, key)
	mac.Write(slices.Concat([]byte{byte(number)},
		binary.BigEndian.AppendUint16(nil, uint16(len(e.key))), e.key, value))
	return little(mac.Sum(nil))
}

// little returns the number that bytes are, the least significant first.
func little(b []byte) *big.Int {
	b = slices.Clone(b)
	slices.Reverse(b)
	return new(big.Int).SetBytes(b)
}
