package persistence

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"gusty/persistence/internal/datadir"
	"gusty/persistence/internal/format"
)

// resealSuffix is what the directory has behind the name of that of the output, where files are
// sealed anew before they take their place.
const resealSuffix = ".resealing"

// resealFiles seals the output files anew that an older data key sealed. Each takes its place by a
// rename, so that a kill leaves it as it was or done. Files that are damaged stay as they are, and
// their key with them.
func (s *Store) resealFiles() error {
	stillPrint := s.stillPrint()
	if stillPrint && s.rotator.waiting {
		return errStillPrints
	}
	beside := s.output + resealSuffix
	err := errors.Join(os.RemoveAll(beside), datadir.MakeDir(beside))
	if err == nil {
		err = s.resealAll(beside)
	}
	err = errors.Join(err, datadir.SyncDir(s.output), os.RemoveAll(beside))
	s.rotator.waiting = err == nil && stillPrint
	if s.rotator.waiting {
		return errStillPrints
	}
	return storageOr(err)
}

// resealAll goes through all files, until it finds none that an older key sealed: of a directory
// that changes meanwhile a pass may miss some. It ends with an error of one that is damaged when it
// is through.
func (s *Store) resealAll(beside string) error {
	for {
		left := uint64(0)
		if err := s.withOutputDir(func() error {
			return eachFile(s.output, func(string) error { left++; return nil })
		}); err != nil {
			return fmt.Errorf("count the output files: %w", err)
		}
		sealed, err := s.resealPass(beside, left)
		if err != nil || sealed == 0 {
			return err
		}
	}
}

// resealPass goes through the files once, and counts those that it sealed anew.
func (s *Store) resealPass(beside string, left uint64) (sealed int, damaged error) {
	s.rotator.filesLeft.Store(left)
	defer s.rotator.filesLeft.Store(0)
	err := eachFile(s.output, func(name string) error {
		done, err := s.resealFile(beside, name)
		if errors.Is(err, format.ErrDamaged) {
			damaged, err = fmt.Errorf("a damaged output file keeps its old key: %w", err), nil
		}
		if done {
			sealed++
		}
		left -= min(left, 1)
		s.rotator.filesLeft.Store(left)
		return err
	})
	return sealed, errors.Join(err, damaged)
}

// storageOr returns the client's error where the disk takes nothing for now.
func storageOr(err error) error {
	if code, ok := datadir.StorageCode(err); ok {
		return datadir.StorageError(code)
	}
	return err
}

// resealFile seals one file anew, unless it is none, or new, or still being written.
func (s *Store) resealFile(beside, name string) (done bool, err error) {
	run, number, ok := parseSegmentName(name)
	if !ok || s.live.get(run) != nil {
		return false, nil
	}
	version, err := segmentVersion(filepath.Join(s.output, name))
	if err != nil || version == s.ring.Keys.Load().Current || version == 0 {
		return false, err
	}
	begin := time.Now()
	if done, err := s.replaceSegment(beside, name, run, number); err != nil || !done {
		return done, err
	}
	if !s.rest(max(time.Since(begin), leastRest)) {
		return true, errStopping
	}
	return true, nil
}

// replaceSegment puts a copy that is sealed anew in the place of a file.
func (s *Store) replaceSegment(beside, name string, run format.RunKey, number int) (done bool,
	err error,
) {
	s.keyOfFiles.Lock()
	defer s.keyOfFiles.Unlock()
	if found, err := s.copySegment(beside, run, number); !found {
		return false, err
	}
	if err := os.Rename(filepath.Join(beside, name), filepath.Join(s.output, name)); err != nil {
		return false, err
	}
	return true, s.removeIfGone(run)
}

// removeIfGone removes the output of a run that was deleted meanwhile.
func (s *Store) removeIfGone(run format.RunKey) error {
	var there bool
	_, err := s.view(func(r *reader) error {
		there = r.has(format.BucketRuns, run[:])
		return nil
	})
	if err == nil && !there {
		s.removeOutput(run)
	}
	return err
}

// copySegment writes a segment into another directory, frame by frame, with a new salt and the
// current key. found is false where there is none any more, and with every error.
func (s *Store) copySegment(to string, run format.RunKey, number int) (found bool, err error) {
	in, err := openSegment(s.output, s.ring, run, number)
	if err != nil || in == nil {
		return false, err
	}
	out, err := createSegment(to, s.ring, run, number)
	if err != nil {
		return false, errors.Join(err, in.close())
	}
	err = errors.Join(copyFrames(in, out, &s.frames), out.file.Sync(), out.file.Close(), in.close())
	return err == nil, err
}

func copyFrames(in *segmentReader, out *segment, buffers *frameBuffers) error {
	for {
		p, err := in.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		out.frames = in.frames - 1
		if err := out.Append(&p, buffers); err != nil {
			return err
		}
	}
}

func parseSegmentName(name string) (run format.RunKey, number int, ok bool) {
	id, digit, found := strings.Cut(name, ".")
	run, ok = format.ParseRunKey(id)
	number, err := strconv.Atoi(digit)
	return run, number, found && ok && err == nil && number >= 0 && number < segmentCount
}

// segmentVersion reads which data key sealed a file; 0 where there is none, or none with a whole
// header.
func segmentVersion(path string) (uint32, error) {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	header := make([]byte, segmentHeader)
	n, err := io.ReadFull(f, header)
	err = errors.Join(err, f.Close())
	if n < segmentHeader && (errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)) {
		return 0, nil
	}
	return binary.BigEndian.Uint32(header[10:]), err
}
