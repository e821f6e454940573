package persistence

import "gusty/messages"

// The fields of a setting's record.
const (
	settingName  = 1
	settingValue = 2
)

func (w *writer) putSetting(row messages.SettingRow) error {
	key := w.hide(nameOfSetting, row.Name)
	if row.Value == nil {
		return w.remove(bucketSettings, key[:])
	}
	e := w.fresh()
	e.text(settingName, row.Name)
	e.bytes(settingValue, row.Value)
	return w.put(bucketSettings, key[:], e.buf)
}

// Setting returns one of the agent's own small values; nil where there is none.
func (s *Store) Setting(name string) (value []byte, err error) {
	_, err = s.view(func(r *reader) error {
		key := r.hide(nameOfSetting, name)
		record, err := r.get(bucketSettings, key[:])
		if record == nil || err != nil {
			return err
		}
		value = []byte{}
		d := decoder{rest: record}
		for d.next() {
			if d.number == settingValue {
				value = d.bytes()
			}
		}
		if d.err != nil {
			return damagedRow(bucketSettings)
		}
		return nil
	})
	return value, err
}
