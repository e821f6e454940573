package main

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"errors"
	"os"
	"path/filepath"
)

func writeTar(path, folder string, files []string) error {
	return create(path, func(out *os.File) error {
		compressed := gzip.NewWriter(out)
		archive := tar.NewWriter(compressed)
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			header := &tar.Header{
				Name: folder + "/" + filepath.Base(file),
				Mode: mode(file),
				Size: int64(len(data)),
			}
			if err := archive.WriteHeader(header); err != nil {
				return err
			}
			if _, err := archive.Write(data); err != nil {
				return err
			}
		}
		return errors.Join(archive.Close(), compressed.Close())
	})
}

func writeZip(path, folder string, files []string) error {
	return create(path, func(out *os.File) error {
		archive := zip.NewWriter(out)
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			entry, err := archive.Create(folder + "/" + filepath.Base(file))
			if err != nil {
				return err
			}
			if _, err := entry.Write(data); err != nil {
				return err
			}
		}
		return archive.Close()
	})
}

func create(path string, write func(*os.File) error) error {
	out, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(write(out), out.Close())
}

// mode returns executables their bit: those have no extension, documents (but the licence) have
// one.
func mode(file string) int64 {
	if filepath.Base(file) == "LICENSE" || filepath.Ext(file) != "" {
		return 0o644
	}
	return 0o755
}
