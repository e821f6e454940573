package transfer

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"gusty/messages"
	"gusty/messages/table"
)

// fillParameter takes a row of server_config. A name that this version does not know is kept, so
// that nothing is lost.
func (c *Collector) fillParameter(item *messages.ImportItem, r table.ConfigRow) {
	p := messages.StoredParameter{
		Name:      r.Name,
		Global:    r.Global,
		Local:     r.Local,
		CanModify: r.CanModify != 0,
	}
	known, ok := messages.FindParameter(r.Name)
	if !ok {
		if !isLine(r.Name, 255) || r.Name == "" || !isLine(r.Global, messages.MaxFieldBytes) ||
			!isLine(r.Local, messages.MaxFieldBytes) {
			refuse(item, "the name and the values need to be one line of UTF-8 each")
			return
		}
		item.Notes = append(item.Notes, "this version knows no such parameter; it is kept and "+
			"has no effect")
		item.Parameter = &p
		return
	}
	for _, value := range []*string{&p.Global, &p.Local} {
		text, err := known.Normalize(*value)
		if err != nil {
			refuse(item, err.Error())
			return
		}
		*value = text
	}
	item.Parameter, item.HostOnly = &p, known.HostOnly && c.rules.Remote
}

// isLine reports whether a text is UTF-8 without control characters, and not too long.
func isLine(text string, most int) bool {
	return len(text) <= most && utf8.ValidString(text) &&
		strings.IndexFunc(text, unicode.IsControl) < 0
}

func fillVersion(item *messages.ImportItem, r messages.VersionRow) {
	if !isLine(r.Version, 255) || !isLine(r.BuildDate, 255) {
		refuse(item, "the version and the date need to be one line of UTF-8 each, at most 255 "+
			"bytes")
		return
	}
	r.Valid = table.Flag(r.Valid != 0)
	item.Version = &r
}

func fillApp(item *messages.ImportItem, r messages.AppRow) {
	for _, text := range []string{r.User, r.Password.Reveal(), r.Endpoint, r.Purpose} {
		if !isLine(text, messages.MaxFieldBytes) {
			refuse(item, "its columns need to be one line of UTF-8 each")
			return
		}
	}
	if r.Password == messages.Mask {
		item.Notes = append(item.Notes, "the password was left out of the export; where the row "+
			"is new it has none")
	}
	item.App = &r
}
