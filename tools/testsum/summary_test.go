package main

import (
	"strings"
	"testing"
)

func TestSummary(t *testing.T) {
	var out strings.Builder
	s := newSummary(&out)
	err := s.read(strings.NewReader(`{"Action":"output","Package":"p","Test":"A","Output":"=== RUN   A\n"}
{"Action":"output","Package":"p","Test":"A","Output":"    a_test.go:7: this needs root\n"}
{"Action":"output","Package":"p","Test":"A","Output":"--- SKIP: A (0.00s)\n"}
{"Action":"skip","Package":"p","Test":"A"}
{"Action":"output","Package":"p","Test":"B","Output":"    b_test.go:3: wrong\n"}
{"Action":"fail","Package":"p","Test":"B"}
{"Action":"output","Package":"p","Test":"C","Output":"nothing of interest\n"}
{"Action":"pass","Package":"p","Test":"C"}
{"Action":"output","Package":"p","Output":"PASS\n"}
{"Action":"output","Package":"p","Output":"FAIL\tp\t0.1s\n"}
go: a remark
`))
	s.tellSkipped()
	want := "    b_test.go:3: wrong\nFAIL\tp\t0.1s\ngo: a remark\nNOT RUN: p A: this needs root\n"
	if got := out.String(); err != nil || got != want {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
}
