package api

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"gusty/messages"
)

func TestCredentialsAndScopes(t *testing.T) {
	h := start(t, nil)
	as := func(method, path, user, pass string) answer {
		request := h.request(method, path, "")
		request.SetBasicAuth(user, pass)
		return h.send(request)
	}
	wrong := as("GET", "/agent/status", testUser, "wrong")
	unknown := as("GET", "/agent/status", "nobody", "wrong")
	disabled := as("GET", "/agent/status", "gone", "gone")
	for _, got := range []answer{wrong, unknown, disabled} {
		got.wantError(t, 401, messages.CodeUnauthenticated, "")
		if got.body != wrong.body || got.header.Get("WWW-Authenticate") != `Basic realm="gusty", charset="UTF-8"` {
			t.Errorf("%s %v", got.body, got.header)
		}
	}
	for range 2 { // the second time from the cache
		if got := as("GET", "/agent/status", "reader", "read"); got.status != 200 {
			t.Errorf("%d %s", got.status, got.body)
		}
	}
	as("PUT", "/agent/restart", "reader", "read").wantError(t, 403, messages.CodeForbidden, "")
	as("GET", "/agent/status", testUser, testPass+strings.Repeat("x", 80)).wantError(t, 401,
		messages.CodeUnauthenticated, "")
	if strings.Contains(h.log.String(), "wrong") || strings.Contains(h.log.String(), "Basic ") {
		t.Error("a password is in the log")
	}
	if !strings.Contains(h.log.String(), "level=WARN") ||
		!strings.Contains(h.log.String(), "user=nobody") {
		t.Errorf("the attempts are not in the log:\n%s", h.log)
	}
}

func TestMalformedCredentials(t *testing.T) {
	h := start(t, nil)
	for _, header := range []string{"", "Basic", "Basic !!!", "Basic " + b64("nocolon"), "Basic " +
		b64(":x"), "Bearer abc", "basic  " + b64("a:b") + "x"} {
		request := h.request("GET", "/agent/status", "")
		request.Header.Set("Authorization", header)
		h.send(request).wantError(t, 401, messages.CodeUnauthenticated, "")
	}
	request := h.request("GET", "/agent/health/live", "")
	request.Header.Set("Authorization", "Basic nonsense")
	h.send(request).want(t, 200, `{"status":"live"}`)
}

func TestOtherSitesMayChangeNothing(t *testing.T) {
	h := start(t, nil)
	for site, status := range map[string]int{
		"cross-site":  403,
		"same-site":   403,
		"same-origin": 200,
		"none":        200,
	} {
		for method, path := range map[string]string{
			"PUT": "/agent/jobs/stop",
			"GET": "/agent/status",
		} {
			request := h.request(method, path, "")
			request.Header.Set("Sec-Fetch-Site", site)
			if got := h.send(request); method == "PUT" && got.status != status || method == "GET" &&
				got.status != 200 {
				t.Errorf("%s from %s: %d", method, site, got.status)
			}
		}
	}
}

func TestChangedPasswordEndsTheCache(t *testing.T) {
	h := start(t, nil)
	h.do("GET", "/agent/status", "").want(t, 200, `"Running"`)
	hash, err := bcrypt.GenerateFromPassword([]byte("another"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	h.agent.mu.Lock()
	h.agent.access = &messages.Access{Version: 2, Users: map[string]*messages.User{
		testUser: {Name: testUser, Hash: messages.Secret(hash), Scopes: messages.AllScopes()},
	}}
	h.agent.mu.Unlock()
	h.do("GET", "/agent/status", "").wantError(t, 401, messages.CodeUnauthenticated, "")
}

func TestThrottle(t *testing.T) {
	h := start(t, func(o *Options) { o.Limits.FailuresPerUser = Rate{Burst: 3, Refill: time.Hour} })
	guess := func(user, pass string) answer {
		request := h.request("GET", "/agent/status", "")
		request.SetBasicAuth(user, pass)
		return h.send(request)
	}
	h.do("GET", "/agent/status", "").want(t, 200, `"Running"`)
	for i := range 3 {
		guess(testUser, "wrong"+strconv.Itoa(i)).wantError(t, 401, messages.CodeUnauthenticated, "")
		guess("nobody", "wrong"+strconv.Itoa(i)).wantError(t, 401, messages.CodeUnauthenticated, "")
	}
	for _, user := range []string{testUser, "nobody"} {
		got := guess(user, "wrong")
		got.wantError(t, 429, messages.CodeThrottled, "")
		if after, err := strconv.Atoi(got.header.Get("Retry-After")); err != nil || after < 1 ||
			after > 3600 {
			t.Errorf("Retry-After is %q", got.header.Get("Retry-After"))
		}
	}
	h.do("GET", "/agent/status", "").want(t, 200, `"Running"`) // verified before: no guessing locks it out
}

func TestManyConnectionsAtOnceShareOneCheck(t *testing.T) {
	h := start(t, func(o *Options) {
		o.Limits.FailuresPerUser = Rate{Burst: 1, Refill: time.Hour}
		o.Limits.Hashes, o.Limits.HashWait = 1, time.Minute
	})
	var group sync.WaitGroup
	for range 64 {
		group.Go(func() { h.do("GET", "/agent/status", "").want(t, 200, `"Running"`) })
	}
	group.Wait()
}

func TestThrottleBuckets(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	home, elsewhere := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	th := newThrottle(Limits{
		FailuresPerUser: Rate{2, time.Second}, FailuresPerAddress: Rate{5, time.Minute},
		FailuresInAll: Rate{100, time.Second},
	})
	take := func(user string, from netip.Addr, want bool) {
		t.Helper()
		if wait := th.take(user, from, now); (wait == 0) != want {
			t.Errorf("take(%s, %s) has to wait %v", user, from, wait)
		}
	}
	take("a", home, true)
	th.giveBack("a", home, now)
	for range 2 {
		take("a", elsewhere, true)
	}
	take("a", elsewhere, false)
	take("a", home, false) // whoever is known does not come here
	now = now.Add(1100 * time.Millisecond)
	take("a", elsewhere, true) // one token is back
	take("b", elsewhere, true)
	take("c", elsewhere, true)
	take("d", elsewhere, false) // the address has had its five
	for i := range 5 * maxBuckets {
		th.take(strconv.Itoa(i), netip.Addr{}, now.Add(time.Duration(i)*time.Second))
	}
	if len(th.buckets) > maxBuckets {
		t.Errorf("%d buckets", len(th.buckets))
	}
}

func TestCredentialCacheIsBounded(t *testing.T) {
	c, err := newCredentialCache(time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	now, here := time.Now(), netip.MustParseAddr("192.0.2.1")
	for i := range 2 * maxCredentials {
		name := strconv.Itoa(i)
		c.store(c.key(name, nil), name, here, "h", now.Add(time.Duration(i)))
	}
	user := &messages.User{Name: "a", Hash: "h"}
	access := &messages.Access{Users: map[string]*messages.User{"a": user}}
	key := c.key("a", []byte("last"))
	c.store(c.key("a", []byte("first")), "a", here, "h", now)
	c.store(key, "a", here, "h", now)
	got := c.find(key, "a", here, access, now)
	if len(c.entries) > maxCredentials || got != (acquaintance{user, true, true}) {
		t.Errorf("%d entries, of which it finds %+v", len(c.entries), got)
	}
	if got := c.find(key, "a", here, access, now.Add(2*time.Minute)); got.user != user ||
		got.fresh {
		t.Errorf("after its time it finds %+v", got)
	}
	for _, pass := range []string{"first", "other", ""} {
		if got := c.find(c.key("a", []byte(pass)), "a", here, access, now); got.user != nil {
			t.Errorf("the password %q is found", pass)
		}
	}
	user.Hash = "another"
	if got := c.find(key, "a", here, access, now); got.user != nil {
		t.Error("an entry outlived the hash")
	}
}

// The networks of a user are the latest few, and end with the password.
func TestCredentialCacheKnowsNetworks(t *testing.T) {
	c, err := newCredentialCache(time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	access := &messages.Access{Users: map[string]*messages.User{"a": {Name: "a", Hash: "h"}}}
	at := func(i byte) netip.Addr { return netip.AddrFrom4([4]byte{192, 0, 2, i}) }
	key := c.key("a", []byte("pass"))
	near := func(key credentialKey, i byte) bool {
		return c.find(key, "a", at(i), access, now).near
	}
	for i := range byte(maxNetworks + 1) {
		c.store(key, "a", at(i), "h", now)
		c.store(key, "a", at(1), "h", now) // the admin's, all the time
	}
	if !near(key, 1) || !near(key, maxNetworks) || near(key, 0) || near(key, 99) {
		t.Errorf("%v", c.entries["a"].from)
	}
	other := c.key("a", []byte("other"))
	c.store(other, "a", at(5), "h", now)
	if near(other, 1) || !near(other, 5) {
		t.Errorf("after another password: %v", c.entries["a"].from)
	}
}

// From an address at which a user is not known, throttled, the right password is refused as a wrong
// one is, and at the user's own address all goes on.
func TestAThrottledStrangerLearnsNothingOfAKnownPassword(t *testing.T) {
	h := start(t, nil)
	a, now := h.server.auth, time.Now()
	own, strange := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	header := func(pass string) string {
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(testUser+":"+pass))
	}
	right, wrong := header(testPass), header("guess")
	verify := func(header string, from netip.Addr) messages.Code {
		if _, err := a.verify(t.Context(), []byte(header), from, now); err != nil {
			return messages.CodeOf(err)
		}
		return ""
	}
	if code := verify(right, own); code != "" {
		t.Fatal(code)
	}
	if code := verify(right, strange); code != "" {
		t.Errorf("a first login elsewhere: %s", code)
	}
	third := netip.MustParseAddr("192.0.2.3")
	for range 1000 {
		if verify(wrong, third) == messages.CodeThrottled {
			break
		}
	}
	if code := verify(right, third); code != messages.CodeThrottled {
		t.Errorf("the right password tells itself from a wrong one: %q", code)
	}
	if code := verify(right, own); code != "" {
		t.Errorf("at the user's own address: %s", code)
	}
}

// TestUnknownUserTakesTheSameTime compares the shortest of many checks: the dummy hash has to cost
// what a stored one costs, and a busy machine only ever adds to that. It adds to every check for a
// while at times, so that it may take more of them.
func TestUnknownUserTakesTheSameTime(t *testing.T) {
	const enough, most = 30, 300
	hash, err := bcrypt.GenerateFromPassword([]byte("x"), bcrypt.MinCost+1)
	if err != nil {
		t.Fatal(err)
	}
	access := &messages.Access{Users: map[string]*messages.User{"known": {
		Name: "known",
		Hash: messages.Secret(hash),
	}}}
	often := Rate{Burst: 2 * most, Refill: time.Second}
	limits := Limits{FailuresPerUser: often, FailuresPerAddress: often, FailuresInAll: often}
	auth, err := newAuthenticator(func() *messages.Access { return access }, limits.withDefaults())
	if err != nil {
		t.Fatal(err)
	}
	took := map[string]time.Duration{"known": time.Hour, "unknown": time.Hour}
	ratio := 0.0
	for n := 0; n < enough || n < most && (ratio < 0.7 || ratio > 1.4); n++ {
		for name := range took {
			began := time.Now()
			_, err := auth.verify(context.Background(), []byte("Basic "+b64(name+":wrong")),
				netip.Addr{}, began)
			if messages.CodeOf(err) != messages.CodeUnauthenticated {
				t.Fatal(err)
			}
			took[name] = min(took[name], time.Since(began))
		}
		ratio = float64(took["unknown"]) / float64(took["known"])
	}
	if ratio < 0.7 || ratio > 1.4 {
		t.Errorf("an unknown user takes %.2f of the time of a known one", ratio)
	}
}

func TestDummyHashIsWellFormed(t *testing.T) {
	for _, cost := range []int{bcrypt.MinCost, 10} {
		if got, err := bcrypt.Cost(dummyHash(cost)); err != nil || got != cost ||
			len(dummyHash(cost)) != 60 {
			t.Errorf("cost %d: %d %v", cost, got, err)
		}
		if err := bcrypt.CompareHashAndPassword(dummyHash(bcrypt.MinCost),
			[]byte("x")); !errors.Is(err, bcrypt.ErrMismatchedHashAndPassword) {
			t.Error(err)
		}
	}
}

func TestHashesAreBounded(t *testing.T) {
	hs := newHasher(1, 10*time.Millisecond)
	release, err := hs.enter(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := hs.compare(context.Background(), dummyHash(4),
		nil); messages.CodeOf(err) != messages.CodeBusy {
		t.Errorf("got %v", err)
	}
	release()
	if _, err := hs.compare(context.Background(), dummyHash(4), nil); err != nil {
		t.Error(err)
	}
}

func TestPasswordIsHashedBeforeItIsSent(t *testing.T) {
	h := start(t, nil)
	h.do("PUT", "/agent/userpassword/update", `{"name":"nobody","pass":"x"}`).wantError(t, http.StatusNotFound, messages.CodeNotFound, "")
	h.do("PUT", "/agent/userpassword/update", `{"name":"reader","pass":""}`).wantError(t, 422, messages.CodeInvalid, "pass")
	h.do("PUT", "/agent/userpassword/update", `{"name":"reader","pass":"new password"}`)
	m, ok := h.agent.last().(messages.SetPassword)
	if !ok ||
		bcrypt.CompareHashAndPassword([]byte(m.Hash.Reveal()), []byte("new password")) != nil ||
		m.Origin.Principal != testUser {
		t.Errorf("asked %#v", h.agent.last())
	}
}
