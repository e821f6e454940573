package floods

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"gusty/test/agent"
)

// How many connections a flood has: nearly as many as one address may hold, fewer where that many
// have shown nothing else, and a few of the costly ones.
const (
	most = 800
	many = 400
	some = 200

	drip = 100 * time.Millisecond // between two bytes
)

// floods lists every way, by what it does with the connection.
func floods(w *world) []flood {
	var all []flood
	for _, part := range [][]flood{
		w.unfinishedBodies(), w.framings(), w.heads(), w.handshakes(),
		w.slowReaders(), w.guesses(), w.works(),
	} {
		all = append(all, part...)
	}
	return all
}

func (w *world) people() map[string]agent.Credentials {
	return map[string]agent.Credentials{
		"nobody":  {},
		"wrong":   {User: w.admin.Credentials.User, Password: "guess"},
		"unknown": {User: "mallory", Password: "guess"},
		"reader":  w.reader,
		"admin":   w.admin.Credentials,
	}
}

// unfinished announces a body of a size, sends most of it, and waits.
func unfinished(head string, size int) func(*client) {
	body := strings.Repeat("x", size-1)
	return func(c *client) {
		if c.say(fmt.Sprintf("%sContent-Length: %d\r\n\r\n", head, size)) {
			c.say(body)
		}
		c.hear()
	}
}

func (w *world) unfinishedBodies() []flood {
	people := w.people()
	var all []flood
	add := func(who, method, path string, clients, size int) {
		name := fmt.Sprintf("%s: unfinished %s %s of %d", who, method, path, size)
		attack := unfinished(head(method, path, people[who], ""), size)
		all = append(all, flood{name: name, clients: clients, attack: attack})
	}
	for _, who := range []string{"nobody", "wrong", "reader", "admin"} {
		add(who, "POST", "/agent/import", 30, 16_700_000)
		add(who, "POST", "/agent/job/execute", some, 1<<20)
		add(who, "POST", "/agent/heartbeat", many, 64<<10)
	}
	add("admin", "POST", "/agent/heartbeat", most, 60<<10)
	add("nobody", "GET", "/agent/health/live", many, 4096)
	add("nobody", "GET", "/agent/health/ready", many, 64<<10)
	add("nobody", "POST", "/agent/none", many, 4096)
	add("nobody", "POST", "/agent/none", some, 1<<20)
	add("unknown", "PATCH", "/agent/job", many, 64<<10)
	add("wrong", "PUT", "/agent/userpassword/update", many, 4096)
	add("reader", "GET", "/metrics", many, 64<<10)
	add("reader", "HEAD", "/agent/status", many, 64<<10)
	add("admin", "PUT", "/agent/jobs/start", many, 64<<10)
	add("admin", "PUT", "/agent/config", many, 64<<10)
	add("admin", "POST", "/agent/job", some, 1<<20)
	add("admin", "POST", "/agent/command/execute", some, 1<<20)
	return all
}

// say sends one text and waits for the answer.
func say(text string) func(*client) {
	return func(c *client) { c.say(text); c.hear() }
}

// repeat sends begin once, and then text until it may no more.
func repeat(begin, text string, pause time.Duration, most int) func(*client) {
	return func(c *client) {
		ok := c.say(begin)
		for n := 0; ok && n < most; n++ {
			ok = c.say(text)
			time.Sleep(pause) // the attack's own pace
		}
		c.hear()
	}
}

func (w *world) framings() []flood {
	const (
		chunked = "Transfer-Encoding: chunked\r\n\r\n"
		asking  = "Expect: 100-continue\r\nContent-Length: 1000000\r\n\r\n"
		small   = "Content-Length: 4096\r\n\r\n"
		health  = "/agent/health/live"
	)
	nobody, admin, reader := agent.Credentials{}, w.admin.Credentials, w.reader
	big := strings.Repeat("y", 16<<10)
	document := head("GET", "/agent/openapi.json", reader, "\r\n")
	chunk := "4000\r\n" + big + "\r\n"
	script := head("POST", "/agent/job/execute", admin, chunked)
	return []flood{
		{name: "a chunk of 1 MiB is announced", clients: many, attack: say(script + "fffff\r\nx")},
		{
			name: "a chunk of 2 GiB is announced", clients: many,
			attack: say(script + "7fffffff\r\nx"),
		},
		{
			name: "many small chunks", clients: some,
			attack: repeat(script, strings.Repeat("1\r\nx\r\n", 2000), time.Millisecond, 200),
		},
		{
			name: "endless chunk extension", clients: some,
			attack: repeat(script+"1;", big, time.Millisecond, 300),
		},
		{
			name: "endless trailer", clients: some,
			attack: repeat(script+"0\r\nX: ", big, time.Millisecond, 100),
		},
		{
			name: "chunks of an import", clients: 30,
			attack: repeat(head("POST", "/agent/import", admin, chunked), chunk, 0, 1100),
		},
		{
			name: "chunks of nobody's import", clients: many,
			attack: repeat(head("POST", "/agent/import", nobody, chunked), chunk, 0, 100),
		},
		{
			name: "chunks without the scope", clients: many,
			attack: repeat(head("POST", "/agent/job", reader, chunked), chunk, 0, 70),
		},
		{
			name: "chunks for a health route", clients: many,
			attack: repeat(head("GET", health, nobody, chunked), "400\r\n"+big[:1024]+"\r\n", 0, 5),
		},
		{
			name: "drip of a body", clients: most,
			attack: repeat(head("POST", "/agent/heartbeat", admin, small), "x", drip, 10),
		},
		{
			name: "interim answers", clients: many,
			attack: say(head("POST", "/agent/job", admin, asking)),
		},
		{
			name: "interim answers for nobody", clients: many,
			attack: say(head("POST", "/agent/job", nobody, asking)),
		},
		{
			name: "pipelined requests", clients: some,
			attack: repeat("", strings.Repeat(document, 20), 0, 20),
		},
		{
			name: "pipelined bodies", clients: some,
			attack: repeat("", head("POST", "/agent/none", nobody, small)+big[:4096], 0, 80),
		},
		{name: "half-closed", clients: many, attack: func(c *client) {
			c.say(head("POST", "/agent/job/execute", admin, "Content-Length: 1000000\r\n\r\n"))
			if secure, ok := c.Conn.(*tls.Conn); ok {
				_ = secure.CloseWrite()
			}
			c.hear()
		}},
	}
}

func (w *world) heads() []flood {
	line := "GET /agent/status HTTP/1.1\r\nHost: x\r\n"
	return []flood{
		{
			name: "unfinished heads", clients: most,
			attack: say(line + "X: " + strings.Repeat("h", 8000)),
		},
		{
			name: "heads that are too large", clients: many,
			attack: say(line + "X: " + strings.Repeat("h", 15000)),
		},
		{
			name: "endless heads", clients: some,
			attack: repeat(line, "X: "+strings.Repeat("h", 1000)+"\r\n", 0, 1000),
		},
		{
			name: "many headers", clients: many,
			attack: say(line + strings.Repeat("A:b\r\n", 1500) + "\r\n"),
		},
		{name: "drip of a head", clients: many, attack: repeat(line, "x", drip, 10)},
		{name: "one byte", clients: many, attack: say("G")},
		{name: "silent after the handshake", clients: most, attack: func(*client) {}},
		{
			name: "empty lines", clients: some,
			attack: repeat("", strings.Repeat("\r\n", 4000), 0, 100),
		},
	}
}

// record is the head of a TLS record of a type and size, with so much of its content.
func record(kind byte, size int, content []byte) string {
	head := []byte{kind, 3, 3, 0, 0}
	binary.BigEndian.PutUint16(head[3:], uint16(size))
	return string(append(head, content...))
}

func (w *world) handshakes() []flood {
	const handshake, data = 22, 23
	hello := []byte{1, 0, 0xff, 0xf0} // a ClientHello of 65,520 bytes
	zeros := bytes.Repeat([]byte{0}, 16384)
	first := record(handshake, 16384, append(hello, zeros[:16380]...))
	more := record(handshake, 16384, zeros)
	return []flood{
		{name: "silent", clients: many, plain: true, attack: func(*client) {}},
		{name: "plain HTTP", clients: many, plain: true, attack: say("GET / HTTP/1.1\r\n\r\n")},
		{
			name: "a large hello", clients: many, plain: true,
			attack: say(first + more + more + more[:16000]),
		},
		{
			name: "an unfinished hello record", clients: many, plain: true,
			attack: say(first[:16000]),
		},
		{name: "unfinished records", clients: most, attack: func(c *client) {
			if secure, ok := c.Conn.(*tls.Conn); ok {
				raw := secure.NetConn()
				_, _ = raw.Write([]byte(record(data, 16384+255, zeros)))
			}
		}},
		{name: "renegotiation", clients: some, attack: func(c *client) {
			if secure, ok := c.Conn.(*tls.Conn); ok {
				_, _ = secure.NetConn().Write([]byte(first))
			}
		}},
	}
}

// ask sends many requests and reads nothing.
func ask(text string) func(*client) { return repeat("", text, 0, 50) }

func (w *world) slowReaders() []flood {
	get := func(path string, who agent.Credentials) func(*client) {
		text := strings.Repeat(head("GET", path, who, "\r\n"), 40)
		return func(c *client) {
			_ = c.SetWriteDeadline(time.Now().Add(time.Second))
			c.say(text)
		}
	}
	admin, reader := w.admin.Credentials, w.reader
	heads := head("HEAD", "/agent/openapi.json", reader, "\r\n")
	output := "/agent/runs/" + w.run + "/output"
	return []flood{
		{name: "openapi.json, unread", clients: many, attack: get("/agent/openapi.json", reader)},
		{name: "metrics, unread", clients: many, attack: get("/metrics", reader)},
		{name: "metric, unread", clients: many, attack: get("/agent/metric", reader)},
		{name: "info, unread", clients: most, attack: get("/agent/info", reader)},
		{name: "runs, unread", clients: many, attack: get("/agent/runs?limit=1000", reader)},
		{name: "a job, unread", clients: many, attack: get("/agent/job?script_name=loud", reader)},
		{name: "output, unread", clients: many, attack: get(output, reader)},
		{
			name: "output as lines, unread", clients: most,
			attack: get(output+"?format=ndjson", reader),
		},
		{
			name: "followed output, unread", clients: many,
			attack: get(output+"?follow=true", reader),
		},
		{name: "export, unread", clients: many, attack: get("/agent/export?runs=true", admin)},
		{name: "backup, unread", clients: many, attack: get("/agent/backup", admin)},
		{name: "HEAD of openapi.json", clients: some, attack: ask(strings.Repeat(heads, 10))},
	}
}

func (w *world) guesses() []flood {
	guess := func(user string) func(*client) {
		return func(c *client) {
			name := strings.ReplaceAll(user, "#", fmt.Sprint(c.number))
			who := agent.Credentials{User: name, Password: fmt.Sprint("guess", c.number)}
			c.say(head("POST", "/agent/command/execute", who, "Content-Length: 70000\r\n\r\n"))
			c.hearWithin(2 * time.Second)
		}
	}
	nonsense := head("GET", "/agent/status", agent.Credentials{}, "Authorization: Basic !!\r\n\r\n")
	long := agent.Credentials{User: "Admin", Password: strings.Repeat("p", 5000)}
	return []flood{
		{name: "guesses for one name", clients: many, attack: guess(w.admin.Credentials.User)},
		{
			name: "guesses for many names", clients: many,
			attack: guess("user-#-" + strings.Repeat("n", 200)),
		},
		{
			name: "long passwords", clients: many,
			attack: say(head("GET", "/agent/status", long, "\r\n")),
		},
		{name: "credentials that are none", clients: many, attack: say(nonsense)},
	}
}

// works are requests that are complete, and each of which costs.
func (w *world) works() []flood {
	admin, reader := w.admin.Credentials, w.reader
	finished := func(method, path string, who agent.Credentials, body string) func(*client) {
		text := head(method, path, who, fmt.Sprintf("Content-Length: %d\r\n\r\n", len(body))) + body
		return func(c *client) { c.say(text); c.hearWithin(hearAtMost) }
	}
	imported := func(rows string) func(*client) {
		return finished("POST", "/agent/import?dry_run=true", admin, rows)
	}
	script := strings.Repeat("ICAg", 190_000)
	job := agent.JobBody("big", agent.Never, script)
	members := `{` + strings.Repeat(`"":0,`, 200_000) + `"x":0}`
	rows := strings.Repeat(`{"table":"cron","row":{"script_name":"a"}}`+"\n", 16<<20/43)
	return []flood{
		{
			name: "whole scripts checked", clients: some,
			attack: finished("POST", "/agent/job/check", admin, job),
		},
		{
			name: "whole scripts stored", clients: 60,
			attack: finished("POST", "/agent/job", admin, job),
		},
		{
			name: "objects of many members", clients: some,
			attack: finished("POST", "/agent/job/check", admin, members),
		},
		{name: "whole imports", clients: 6, attack: imported(rows)},
		{name: "imports of nothing", clients: 6, attack: imported(strings.Repeat("{}\n", 1<<20))},
		{
			name: "whole bodies without the scope", clients: some,
			attack: finished("POST", "/agent/job/execute", reader, script),
		},
		{
			name: "whole bodies for a route without one", clients: most,
			attack: finished("PUT", "/agent/jobs/start", admin, strings.Repeat("x", 60<<10)),
		},
	}
}
