// Package tlscert gives an agent its certificate: it makes a private certificate authority and a
// server certificate where there is none, renews what it made, uses what the operator put there,
// and serves the current one to a TLS listener.
//
// In the directory lie ca.pem, server.pem and server-key.pem. The authority's key is not among
// them: Ensure gives it to the caller, who keeps it sealed elsewhere and passes it in again. A
// server certificate that this authority did not issue is the operator's, and is never written to.
// The server key is made once and stays when the certificate is renewed, so that no crash can leave
// a certificate beside a key of another.
package tlscert
