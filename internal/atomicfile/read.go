package atomicfile

import (
	"errors"
	"io"
	"os"
)

// OpenRegular opens a regular file for reading. Anything else is refused by a *RefusedError: a
// named pipe would wait for somebody who writes to it.
func OpenRegular(path string) (*os.File, error) {
	f, err := openAtOnce(path)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = refuse(path, "is "+Kind(info.Mode())+"; put a regular file there")
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// ReadRegular returns what a regular file holds. Anything else is refused, as by OpenRegular.
func ReadRegular(path string) ([]byte, error) {
	f, err := OpenRegular(path)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(f)
	return data, errors.Join(err, f.Close())
}
