// Package node starts real OpenSearch nodes for tests and measurements: the published jars of the
// server (start.sh, pom.xml), with the security plugin or with nginx in front where a test wants
// TLS and users. Each node listens on 127.0.0.1 only, has a directory of its own, and is ended by
// its process id. README.md says how to provoke each answer that a client must stand.
package node
