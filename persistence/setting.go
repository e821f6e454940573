package persistence

import (
	"gusty/messages"
	"gusty/persistence/internal/format"
	"gusty/persistence/internal/keyring"
)

// The fields of a setting's record.
const (
	settingName  = 1
	settingValue = 2
)

func (w *writer) putSetting(row messages.SettingRow) error {
	key := w.Hide(keyring.NameOfSetting, row.Name)
	if row.Value == nil {
		return w.Remove(format.BucketSettings, key[:])
	}
	e := w.fresh()
	e.Text(settingName, row.Name)
	e.Bytes(settingValue, row.Value)
	return w.Put(format.BucketSettings, key[:], e.Buf)
}

// Setting returns one of the agent's own small values; nil where there is none.
func (s *Store) Setting(name string) (value []byte, err error) {
	_, err = s.view(func(r *reader) error {
		key := r.Hide(keyring.NameOfSetting, name)
		record, err := r.get(format.BucketSettings, key[:])
		if record == nil || err != nil {
			return err
		}
		value = []byte{}
		d := format.Decoder{Rest: record}
		for d.Next() {
			if d.Number == settingValue {
				value = d.Bytes()
			}
		}
		if d.Err != nil {
			return format.DamagedRow(format.BucketSettings)
		}
		return nil
	})
	return value, err
}
