package persistence

import (
	"gusty/messages"
	"gusty/persistence/internal/format"
)

// The rows of agent_version and node_app_details have no name that one could be found by: an import
// adds those that are not there yet, as often as it has them.

func (m *importer) version(row *messages.VersionRow) (messages.ImportOutcome, error) {
	if m.versions == nil {
		m.versions = map[messages.VersionRow]int{}
		err := m.scan(format.BucketVersion, func(_, record []byte) error {
			row, err := decodeVersion(record)
			if err != nil {
				return format.DamagedRow(format.BucketVersion)
			}
			if v, ok := row.(messages.VersionRow); ok {
				m.versions[v]++
			}
			return nil
		})
		if err != nil {
			return "", err
		}
	}
	if m.versions[*row] > 0 {
		m.versions[*row]--
		return messages.ImportUnchanged, nil
	}
	if m.w == nil {
		return messages.ImportCreated, nil
	}
	return messages.ImportCreated, m.w.putImportedVersion(row)
}

// app adds a row; one whose password is masked is found by its other columns, and comes in without
// a password where it is new.
func (m *importer) app(row *messages.AppRow) (messages.ImportOutcome, error) {
	if err := m.loadApps(); err != nil {
		return "", err
	}
	if m.matchApp(row) {
		return messages.ImportUnchanged, nil
	}
	if m.w == nil {
		return messages.ImportCreated, nil
	}
	add := *row
	if add.Password == messages.Mask {
		add.Password = ""
	}
	e := m.w.fresh()
	encodeApp(e, &add)
	return messages.ImportCreated,
		m.w.Put(format.BucketApps, nextSequence(m.bucket(format.BucketApps)), e.Buf)
}

func (m *importer) loadApps() error {
	if m.apps != nil {
		return nil
	}
	m.apps = map[messages.AppRow]int{}
	return m.scan(format.BucketApps, func(_, record []byte) error {
		row, err := decodeApp(record)
		if err != nil {
			return format.DamagedRow(format.BucketApps)
		}
		m.apps[row]++
		return nil
	})
}

// matchApp uses up a stored row that is the given one.
func (m *importer) matchApp(row *messages.AppRow) bool {
	if m.apps[*row] > 0 {
		m.apps[*row]--
		return true
	}
	if row.Password != messages.Mask {
		return false
	}
	for stored, left := range m.apps {
		other := stored
		other.Password = row.Password
		if left > 0 && other == *row {
			m.apps[stored]--
			return true
		}
	}
	return false
}
