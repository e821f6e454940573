package main

import (
	"net/http"
)

// rotation answers as an agent whose rotations are done when they are asked for again.
func (f *fakeAgent) rotation(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if r.Method == http.MethodPost {
		f.rotated = true
		answerWith(w, http.StatusAccepted, `{"state":"rows","key_version":2,"rows":100,"rows_left":40,"output_files_left":0,"last_error":null}`)
		return
	}
	version := "1"
	if f.rotated {
		version = "2"
	}
	answerWith(w, http.StatusOK, `{"state":"idle","key_version":`+version+`,"rows":0,"rows_left":0,"output_files_left":0,"last_error":null}`)
}
