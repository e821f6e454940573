package persistence

import (
	"bytes"
	"encoding/binary"
	"errors"
)

// header reads the plain row that says whose file this is.
func (v *verifier) header() (h header, err error) {
	if _, ok := v.buckets[nameMeta]; !ok {
		return h, v.foreignOrDamaged()
	}
	err = errors.New("its header is missing")
	walkErr := v.take(nameMeta, func(e leaf) error {
		if string(e.key) == headerKey {
			h, err = parseHeader(e.value)
		}
		return nil
	})
	return h, errors.Join(walkErr, err)
}

// foreignOrDamaged: a bbolt file without our header is someone else's, unless buckets of ours are
// in it.
func (v *verifier) foreignOrDamaged() error {
	for b := range bucketCount {
		if _, ours := v.buckets[b.String()]; ours {
			return errors.New("its header is missing")
		}
	}
	return ErrForeign
}

func (v *verifier) keyring(kek Key, h *header) (*keyring, error) {
	rows := map[uint32][]byte{}
	err := v.take(nameKeys, func(e leaf) error {
		if len(e.key) != 4 {
			return errKeyring
		}
		rows[binary.BigEndian.Uint32(e.key)] = bytes.Clone(e.value)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return unwrapKeyring(rows, kek, h.database)
}

func (v *verifier) ledger() (l ledger, err error) {
	err = errSeal
	walkErr := v.take(nameLedger, func(e leaf) error {
		var record []byte
		if record, err = v.opener.open(nameLedger, e.key, e.value); err == nil {
			l, err = parseLedger(record)
		}
		return nil
	})
	if err != nil {
		err = errors.New("its ledger does not open")
	}
	return l, errors.Join(walkErr, err)
}

func parseBucketValue(value []byte) (b bucketValue, err error) {
	if len(value) < bucketHeaderBytes {
		return b, errors.New("a bucket is cut short")
	}
	b.root = binary.NativeEndian.Uint64(value)
	if b.root == 0 {
		b.inline = bytes.Clone(value[bucketHeaderBytes:])
		if len(b.inline) == 0 {
			return b, errors.New("a bucket is cut short")
		}
	}
	return b, nil
}
