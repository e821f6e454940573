package sqlite

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// shiftBy is what the Rust agent subtracts from every byte of its file.
const shiftBy = 2

// shift adds n to every byte, modulo 256.
func shift(p []byte, n byte) {
	for i := range p {
		p[i] += n
	}
}

// shiftFile subtracts shiftBy from every byte of a file, in place.
func shiftFile(f *os.File) error {
	buf := make([]byte, 256<<10)
	for at := int64(0); ; {
		n, err := f.ReadAt(buf, at)
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("read what was written: %w", err)
		}
		if n == 0 {
			return nil
		}
		minus := shiftBy
		shift(buf[:n], byte(-minus))
		if _, err := f.WriteAt(buf[:n], at); err != nil {
			return fmt.Errorf("write the shifted bytes: %w", err)
		}
		at += int64(n)
	}
}
