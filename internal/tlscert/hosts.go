package tlscert

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
)

// LocalHosts returns what this machine is called from here and from the outside: localhost, the
// host's name, and the addresses of its interfaces but for link-local ones, which nobody can put in
// a URL without naming an interface. Beside an error stand the names that are known all the same,
// localhost at least.
func LocalHosts() ([]string, error) { return localHosts(os.Hostname, net.InterfaceAddrs) }

func localHosts(
	hostname func() (string, error), interfaces func() ([]net.Addr, error),
) ([]string, error) {
	hosts := []string{"localhost", "127.0.0.1", "::1"}
	name, nameErr := hostname()
	if nameErr != nil {
		nameErr = fmt.Errorf("host name: %w", nameErr)
	} else {
		hosts = append(hosts, name)
	}
	addresses, err := interfaces()
	if err != nil {
		err = fmt.Errorf("addresses of the interfaces: %w", err)
	}
	for _, a := range addresses {
		if network, ok := a.(*net.IPNet); ok && network.IP.IsGlobalUnicast() {
			hosts = append(hosts, network.IP.String())
		}
	}
	return hosts, errors.Join(nameErr, err)
}

// splitHosts tells addresses from names, leaves out what a certificate can't hold, and each that
// stands twice.
func splitHosts(hosts []string) (names []string, ips []net.IP) {
	for _, host := range hosts {
		if ip := net.ParseIP(host); ip != nil {
			if !slices.ContainsFunc(ips, ip.Equal) {
				ips = append(ips, ip)
			}
			continue
		}
		if name := strings.ToLower(strings.TrimSuffix(host, ".")); fitsCertificate(name) &&
			!slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names, ips
}

// fitsCertificate reports whether name, in lower case, is one that a client could verify: letters,
// digits, dots, hyphens and, as some hosts have them against the rules, underscores. An address
// with a zone is none.
func fitsCertificate(name string) bool {
	bad := func(r rune) bool {
		return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyz0123456789.-_", r)
	}
	return name != "" && len(name) <= 253 && !strings.ContainsFunc(name, bad)
}

// covers reports whether certificate is good for all names and addresses.
func covers(certificate *x509.Certificate, names []string, ips []net.IP) bool {
	for _, name := range names {
		if !slices.Contains(certificate.DNSNames, name) {
			return false
		}
	}
	for _, ip := range ips {
		if !slices.ContainsFunc(certificate.IPAddresses, ip.Equal) {
			return false
		}
	}
	return true
}
