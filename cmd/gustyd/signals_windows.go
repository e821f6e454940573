package main

import "os"

// reloadSignals are none on Windows: the certificate's files are watched.
func reloadSignals() []os.Signal { return nil }

func outlivedSignals() []os.Signal { return nil }
