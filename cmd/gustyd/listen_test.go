package main

import (
	"net"
	"strconv"
	"testing"

	"gusty/messages"
)

func TestTakenPortGivesWayToAFreeOne(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port := strconv.Itoa(portOf(taken))
	config := messages.NewConfig(1, []messages.StoredParameter{
		{Name: messages.ParamIPAddr, Global: "127.0.0.1"},
		{Name: messages.ParamServerPort, Global: port},
		{Name: messages.ParamMinPort, Global: "20000"},
		{Name: messages.ParamMaxPort, Global: "21000"},
	})
	ln, err := listen(t.Context(), settings{}, config)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	if got := portOf(ln); got < 20000 || got > 21000 {
		t.Errorf("got port %d", got)
	}
	none := config.With(2, map[string]string{
		messages.ParamMinPort: port,
		messages.ParamMaxPort: port,
	})
	if _, err := listen(t.Context(), settings{}, none); err == nil {
		t.Error("a range without a free port is no error")
	}
}
