package api

import (
	"io"
	"strconv"

	"gusty/messages"
)

const mediaTar = "application/x-tar"

// backupBytesHeader says how large the files of a backup are together: the archive itself is sent
// in chunks, and has no length before its end.
const backupBytesHeader = "X-Gusty-Backup-Bytes"

// getBackup makes a copy first, and sends that: however slow the client is, the store's own file
// goes on.
func getBackup(r *request) error {
	if r.http.IsHead() {
		return r.bytes(mediaTar, nil)
	}
	backup, err := ask[messages.Backup](r, messages.MakeBackup{Origin: r.origin()})
	if err != nil {
		return err
	}
	begun := false
	err = r.stream(mediaTar, func(w io.Writer) error {
		begun = true
		defer backup.Close()
		return backup.WriteTo(w)
	})
	if err != nil && !begun { // there was no place for another stream
		backup.Close()
	}
	r.http.Response.Header.Set(backupBytesHeader, strconv.FormatInt(backup.Bytes, 10))
	return err
}
