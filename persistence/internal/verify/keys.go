package verify

import (
	"bytes"
	"encoding/binary"
	"errors"

	"gusty/persistence/internal/boltfile"
	"gusty/persistence/internal/format"
	"gusty/persistence/internal/keyring"
)

// header reads the plain row that says whose file this is.
func (v *Verifier) header() (h keyring.Header, err error) {
	if _, ok := v.Buckets[format.NameMeta]; !ok {
		return h, v.foreignOrDamaged()
	}
	err = errors.New("its header is missing")
	walkErr := v.Take(format.NameMeta, func(e boltfile.Leaf) error {
		if string(e.Key) == keyring.HeaderKey {
			h, err = keyring.ParseHeader(e.Value)
		}
		return nil
	})
	return h, errors.Join(walkErr, err)
}

// foreignOrDamaged: a bbolt file without our header is someone else's, unless buckets of ours are
// in it.
func (v *Verifier) foreignOrDamaged() error {
	for b := range format.BucketCount {
		if _, ours := v.Buckets[b.String()]; ours {
			return errors.New("its header is missing")
		}
	}
	return boltfile.ErrForeign
}

func (v *Verifier) keyring(kek keyring.Key, h *keyring.Header) (*keyring.Keyring, error) {
	rows := map[uint32][]byte{}
	err := v.Take(format.NameKeys, func(e boltfile.Leaf) error {
		if len(e.Key) != 4 {
			return keyring.ErrKeyring
		}
		rows[binary.BigEndian.Uint32(e.Key)] = bytes.Clone(e.Value)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return keyring.UnwrapKeyring(rows, kek, h.Database)
}

func (v *Verifier) Ledger() (l format.Ledger, err error) {
	err = keyring.ErrSeal
	walkErr := v.Take(format.NameLedger, func(e boltfile.Leaf) error {
		var record []byte
		if record, err = v.Opener.Open(format.NameLedger, e.Key, e.Value); err == nil {
			l, err = format.ParseLedger(record)
		}
		return nil
	})
	if err != nil {
		err = errors.New("its ledger does not open")
	}
	return l, errors.Join(walkErr, err)
}

func ParseBucketValue(value []byte) (b BucketValue, err error) {
	if len(value) < boltfile.BucketHeaderBytes {
		return b, errors.New("a bucket is cut short")
	}
	b.Root = binary.NativeEndian.Uint64(value)
	if b.Root == 0 {
		b.Inline = bytes.Clone(value[boltfile.BucketHeaderBytes:])
		if len(b.Inline) == 0 {
			return b, errors.New("a bucket is cut short")
		}
	}
	return b, nil
}
