package salvage

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime/debug"
	"strings"

	"gusty/persistence/internal/format"
	"gusty/persistence/internal/keyring"
	"gusty/persistence/internal/verify"
)

// A salvaging child writes what it finds to its standard output: kind 1 byte, bucket 1, stray 1,
// length of the key 4, length of the value 4, key, value. It ends as a verifying child does.

const (
	salvagedHead = 1 + 1 + 1 + 4 + 4
	// maxSalvaged bounds a key or a value from a child.
	maxSalvaged = 64 << 20
)

// Salvager reads what is readable of a damaged file.
type Salvager func(path string, kek keyring.Key, give func(Salvaged) error) error

// SpawnSalvager returns a Salvager that runs command with the database's path behind it; that
// program calls SalvageMain. The key goes to the child by its standard input, wherever it comes
// from.
func SpawnSalvager(command ...string) Salvager {
	return func(path string, kek keyring.Key, give func(Salvaged) error) error {
		child := exec.CommandContext(context.Background(), command[0],
			append(command[1:len(command):len(command)], path)...)
		child.Stdin = bytes.NewReader(keyring.KeyText(kek))
		var said strings.Builder
		child.Stderr = &said
		out, err := child.StdoutPipe()
		if err != nil {
			return err
		}
		if err := child.Start(); err != nil {
			return fmt.Errorf("start the process that reads the damaged file: %w", err)
		}
		err = readSalvaged(out, give)
		_, _ = io.Copy(io.Discard, out) // whatever it still says, it must be able to end
		return cmp.Or(err, verify.ChildVerdict(path, child.Wait(), said.String()))
	}
}

// readSalvaged reads until the child is done, or was brought down: what came until then counts.
func readSalvaged(out io.Reader, give func(Salvaged) error) error {
	in := bufio.NewReaderSize(out, 64<<10)
	for {
		var head [salvagedHead]byte
		if _, err := io.ReadFull(in, head[:]); err != nil {
			return nil //nolint:nilerr // the child's end says more
		}
		keySize, valueSize := binary.BigEndian.Uint32(head[3:]), binary.BigEndian.Uint32(head[7:])
		if keySize > maxSalvaged || valueSize > maxSalvaged {
			return errors.New("the process that reads the damaged file talks nonsense")
		}
		data := make([]byte, keySize+valueSize)
		if _, err := io.ReadFull(in, data); err != nil {
			return nil //nolint:nilerr // the child's end says more
		}
		found := Salvaged{
			Kind: salvagedKind(head[0]), Where: format.BucketID(head[1]), Stray: head[2] != 0,
			Key: data[:keySize:keySize], Value: data[keySize:],
		}
		if err := give(found); err != nil {
			return err
		}
	}
}

// SalvageMain is the body of a salvaging child: it reads the key from in, writes what it finds in
// the file at path to out, says in one sentence on complain what keeps it from that, and returns
// the exit code.
func SalvageMain(path string, in io.Reader, out, complain io.Writer) (code int) {
	debug.SetPanicOnFault(true)
	buffered := bufio.NewWriterSize(out, 64<<10)
	defer func() {
		if r := recover(); r != nil {
			_ = buffered.Flush() // what was found counts
			code = verify.ChildDamaged
			_, _ = fmt.Fprintf(complain, "looking through it failed: %v\n", r)
		}
	}()
	text, err := io.ReadAll(io.LimitReader(in, verify.MaxChildText))
	if err != nil {
		return verify.ChildSays(complain, fmt.Errorf("the key can't be read: %w", err))
	}
	kek, ok := keyring.ParseKey(text)
	if !ok {
		return verify.ChildSays(complain, format.ErrWrongKey)
	}
	err = Here(path, kek, func(found Salvaged) error {
		return writeSalvaged(buffered, &found)
	})
	return verify.ChildSays(complain, errors.Join(err, buffered.Flush()))
}

func writeSalvaged(w io.Writer, found *Salvaged) error {
	head := []byte{byte(found.Kind), byte(found.Where), 0}
	if found.Stray {
		head[2] = 1
	}
	head = binary.BigEndian.AppendUint32(head, uint32(len(found.Key)))
	head = binary.BigEndian.AppendUint32(head, uint32(len(found.Value)))
	for _, part := range [][]byte{head, found.Key, found.Value} {
		if _, err := w.Write(part); err != nil {
			return err
		}
	}
	return nil
}

// Here reads the file in this process.
func Here(path string, kek keyring.Key, give func(Salvaged) error) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(salvage(f, kek, give), f.Close())
}
