package agent

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Credentials are a user and a password.
type Credentials struct{ User, Password string }

// Credentials reads the first user's password file.
func (p *Process) Credentials() (Credentials, error) {
	data, err := os.ReadFile(filepath.Join(p.Dir, "admin-password"))
	if err != nil {
		return Credentials{}, fmt.Errorf("reading the first credentials: %w", err)
	}
	user, password, found := strings.Cut(strings.TrimSpace(string(data)), ":")
	if !found {
		return Credentials{}, fmt.Errorf("the file admin-password is not of the form user:password")
	}
	return Credentials{User: user, Password: password}, nil
}

// TLS returns a client configuration that trusts the agent's own CA and nothing else.
func (p *Process) TLS() (*tls.Config, error) {
	data, err := os.ReadFile(filepath.Join(p.Dir, "tls", "ca.pem"))
	if err != nil {
		return nil, fmt.Errorf("reading the agent's CA: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(data) {
		return nil, fmt.Errorf("tls/ca.pem holds no certificate")
	}
	return &tls.Config{RootCAs: pool, ServerName: "localhost", MinVersion: tls.VersionTLS12}, nil
}

// Client talks to one agent with one user's credentials.
type Client struct {
	URL         string
	Credentials Credentials
	HTTP        *http.Client
}

// Client returns a client with the first credentials and keep-alive connections.
func (p *Process) Client() (*Client, error) {
	credentials, err := p.Credentials()
	if err != nil {
		return nil, err
	}
	config, err := p.TLS()
	if err != nil {
		return nil, err
	}
	transport := &http.Transport{
		TLSClientConfig:     config,
		MaxIdleConnsPerHost: 64,
		IdleConnTimeout:     time.Minute,
		DisableCompression:  true,
	}
	return &Client{
		URL:         p.URL,
		Credentials: credentials,
		HTTP:        &http.Client{Transport: transport, Timeout: time.Minute},
	}, nil
}

// Close closes the client's connections.
func (c *Client) Close() { c.HTTP.CloseIdleConnections() }

// Answer is a whole HTTP answer.
type Answer struct {
	Request *http.Request
	Status  int
	Header  http.Header
	Body    []byte
}

// Do sends one request with the client's credentials; a body that is not empty goes as JSON. header
// is added last, and an empty value there removes what would be sent.
func (c *Client) Do(ctx context.Context, method, path, body string,
	header map[string]string,
) (*Answer, error) {
	request, err := http.NewRequestWithContext(ctx, method, c.URL+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.SetBasicAuth(c.Credentials.User, c.Credentials.Password)
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	for name, value := range header {
		if value == "" {
			request.Header.Del(name)
			continue
		}
		request.Header.Set(name, value)
	}
	response, err := c.HTTP.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, fmt.Errorf("reading the answer to %s %s: %w", method, path, err)
	}
	request.Body = io.NopCloser(bytes.NewReader([]byte(body)))
	return &Answer{
		Request: request,
		Status:  response.StatusCode,
		Header:  response.Header,
		Body:    data,
	}, nil
}

// Want sends one request and expects the status.
func (c *Client) Want(ctx context.Context, status int, method, path, body string) ([]byte, error) {
	answer, err := c.Do(ctx, method, path, body, nil)
	if err != nil {
		return nil, err
	}
	if answer.Status != status {
		return nil,
			fmt.Errorf("%s %s answered %d and not %d: %s", method, path, answer.Status, status,
				answer.Body)
	}
	return answer.Body, nil
}
