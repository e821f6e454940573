// Package opensearch is a small client for what an agent needs of OpenSearch: to send documents by
// `_bulk` and to learn of each one what became of it.
//
// Every document goes out as a `create` with an id of its own, so that a repeat is harmless: the
// server answers 409 and has the document once. A Batch is gzipped while it is filled and holds no
// document; the answer is read item by item as it comes, each within a bound, and checked against
// the ids that were sent, so that a server that answers nonsense confirms nothing.
//
// Connections are kept and used again, each exchange has one deadline for all of it, and where
// several endpoints are given the next one is tried when one cannot be reached or says that it is
// not ready. TLS is always verified: by the system's authorities, by a CA file, by the pinned
// fingerprint of the server's own certificate, or by the last two together. The proxy variables of
// the environment are obeyed as curl does: hosts of the loopback network too go through the proxy,
// unless NO_PROXY names them.
//
// The HTTP parser is fasthttp's, which the daemon has in it anyway: net/http's client would add 684
// KB to it, all of this package adds 131.
package opensearch
