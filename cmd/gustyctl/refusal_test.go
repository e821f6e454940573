package main

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"gusty/cmd/gustyctl/internal/exit"
	"gusty/messages"
)

func TestRefusal(t *testing.T) {
	for _, c := range []struct {
		status int
		body   string
		code   int
		want   string
	}{
		{422, `{"message":"is bad","code":"invalid","field":"content"}`, exit.Refused, "content: is bad"},
		{401, `{"message":"no","code":"unauthenticated"}`, exit.Refused, `no (user "Admin"); check --user`},
		{429, `{"message":"too many","code":"throttled"}`, exit.Refused, "too many; try again in 1 min 30 s"},
		{500, `{"message":"a fault","code":"internal","request_id":"r1"}`, exit.Failed, "a fault; the agent's log has the cause under request id r1"},
		{503, `{"message":"the scheduler is busy","code":"busy"}`, exit.Failed, "the scheduler is busy; try again, and see: gustyctl doctor"},
		{504, `{"message":"late","code":"timeout"}`, exit.Failed, "late"},
		{502, `<html>`, exit.Failed, "answered 502 Bad Gateway, and not as an agent does"},
		{302, ``, exit.Failed, "answered 302 Found, and not as an agent does"},
		{404, `{}`, exit.Refused, "answered 404 Not Found, and not as an agent does"},
	} {
		recorder := httptest.NewRecorder()
		recorder.Header().Set("Retry-After", "90")
		recorder.WriteHeader(c.status)
		err := refusal(recorder.Result(), []byte(c.body), target{
			url:  &url.URL{Scheme: "https", Host: "h"},
			user: "Admin",
		})
		if exit.Code(err) != c.code || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%d %s: got %d, %v", c.status, c.body, exit.Code(err), err)
		}
	}
}

func TestRefusalKeepsTheCode(t *testing.T) {
	response := httptest.NewRecorder().Result()
	response.StatusCode = http.StatusConflict
	err := refusal(response, []byte(`{"message":"it exists","code":"exists"}`), target{url: &url.URL{}})
	if messages.CodeOf(err) != messages.CodeExists {
		t.Errorf("got %v", messages.CodeOf(err))
	}
}

// TestRedirectIsNotFollowed: the credentials must not go where a redirection says.
func TestRedirectIsNotFollowed(t *testing.T) {
	elsewhere := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("the redirection was followed")
	}))
	t.Cleanup(elsewhere.Close)
	here := httptest.NewTLSServer(http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect))
	t.Cleanup(here.Close)
	trust := trust{roots: here.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs}
	address, err := url.Parse(here.URL)
	if err != nil {
		t.Fatal(err)
	}
	c := newClient(target{url: address, trust: trust, user: "Admin", password: "p"})
	t.Cleanup(c.http.CloseIdleConnections)
	if _, err := c.call(t.Context(), get(statusPath)); exit.Code(err) != exit.Failed {
		t.Errorf("got %v", err)
	}
}
