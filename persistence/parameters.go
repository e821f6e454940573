package persistence

import "gusty/messages"

// The fields of a parameter's record: the columns of server_config.
const (
	parameterName      = 1
	parameterGlobal    = 2
	parameterLocal     = 3
	parameterCanModify = 4
)

func encodeParameter(e *encoder, p *messages.StoredParameter) {
	e.text(parameterName, p.Name)
	e.text(parameterGlobal, p.Global)
	e.text(parameterLocal, p.Local)
	e.bool(parameterCanModify, p.CanModify)
}

func decodeParameter(record []byte) (p messages.StoredParameter, err error) {
	d := decoder{rest: record}
	for d.next() {
		switch d.number {
		case parameterName:
			p.Name = d.text()
		case parameterGlobal:
			p.Global = d.text()
		case parameterLocal:
			p.Local = d.text()
		case parameterCanModify:
			p.CanModify = d.bool()
		}
	}
	return p, d.err
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
	key := w.hide(nameOfParameter, p.Name)
	e := w.fresh()
	encodeParameter(e, p)
	return w.put(bucketParameters, key[:], e.buf)
}

// putParameter sets the local value.
func (w *writer) putParameter(row messages.ParameterRow) error {
	key := w.hide(nameOfParameter, row.Name)
	record, err := w.get(bucketParameters, key[:])
	if err != nil {
		return err
	}
	p := unstoredParameter(row.Name)
	if record != nil {
		if p, err = decodeParameter(record); err != nil {
			return damagedRow(bucketParameters)
		}
	}
	p.Local = row.Local
	return w.storeParameter(&p)
}
