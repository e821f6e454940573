package persistence

import (
	"gusty/messages"
	"gusty/persistence/internal/format"
	"gusty/persistence/internal/keyring"
)

// The fields of a parameter's record: the columns of server_config.
const (
	parameterName      = 1
	parameterGlobal    = 2
	parameterLocal     = 3
	parameterCanModify = 4
)

func encodeParameter(e *format.Encoder, p *messages.StoredParameter) {
	e.Text(parameterName, p.Name)
	e.Text(parameterGlobal, p.Global)
	e.Text(parameterLocal, p.Local)
	e.Bool(parameterCanModify, p.CanModify)
}

func decodeParameter(record []byte) (p messages.StoredParameter, err error) {
	d := format.Decoder{Rest: record}
	for d.Next() {
		switch d.Number {
		case parameterName:
			p.Name = d.Text()
		case parameterGlobal:
			p.Global = d.Text()
		case parameterLocal:
			p.Local = d.Text()
		case parameterCanModify:
			p.CanModify = d.Bool()
		}
	}
	return p, d.Err
}

// seedParameters writes every known parameter with its default as the global value.
func (w *writer) seedParameters() error {
	for _, p := range messages.Parameters() {
		row := seedOf(&p)
		if err := w.storeParameter(&row); err != nil {
			return err
		}
	}
	return nil
}

// seedOf returns the row of a parameter that nobody has set.
func seedOf(p *messages.Parameter) messages.StoredParameter {
	return messages.StoredParameter{Name: p.Name, Global: p.Default, CanModify: p.CanModify}
}

// unstoredParameter returns what holds of a parameter that has no row: it came with a later version
// than the one that seeded the file.
func unstoredParameter(name string) messages.StoredParameter {
	if known, ok := messages.FindParameter(name); ok {
		return seedOf(&known)
	}
	return messages.StoredParameter{Name: name}
}

func (w *writer) storeParameter(p *messages.StoredParameter) error {
	key := w.Hide(keyring.NameOfParameter, p.Name)
	e := w.fresh()
	encodeParameter(e, p)
	return w.Put(format.BucketParameters, key[:], e.Buf)
}

// putParameter sets the local value.
func (w *writer) putParameter(row messages.ParameterRow) error {
	key := w.Hide(keyring.NameOfParameter, row.Name)
	record, err := w.get(format.BucketParameters, key[:])
	if err != nil {
		return err
	}
	p := unstoredParameter(row.Name)
	if record != nil {
		if p, err = decodeParameter(record); err != nil {
			return format.DamagedRow(format.BucketParameters)
		}
	}
	p.Local = row.Local
	return w.storeParameter(&p)
}
