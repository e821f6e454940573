package hostinfo

import (
	"context"
	"net"
	"net/netip"
)

// collectAddress finds the address that a packet to the outside would leave from; where no route
// leads outside, the first address of an interface that other hosts could reach.
func collectAddress(context.Context) (func(*Figures), error) {
	address := routedAddress()
	if !address.IsValid() {
		address = interfaceAddress()
	}
	text := ""
	if address.IsValid() {
		text = address.String()
	}
	return func(f *Figures) { f.IP = text }, nil
}

// routedAddress asks the kernel's routing table: connecting a UDP socket picks the source address
// and sends nothing. The two addresses are those of a root name server, which any host that has a
// route to the outside has a route to.
func routedAddress() netip.Addr {
	for _, outside := range []string{"198.41.0.4:53", "[2001:503:ba3e::2:30]:53"} {
		target := net.UDPAddrFromAddrPort(netip.MustParseAddrPort(outside))
		conn, err := net.DialUDP("udp", nil, target)
		if err != nil {
			continue
		}
		local, _ := conn.LocalAddr().(*net.UDPAddr)
		_ = conn.Close() // nothing was written that could be lost
		if address := local.AddrPort().Addr().Unmap().WithZone(""); address.IsValid() &&
			!address.IsUnspecified() {
			return address
		}
	}
	return netip.Addr{}
}

func interfaceAddress() netip.Addr {
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return netip.Addr{}
	}
	for _, a := range addresses {
		prefix, err := netip.ParsePrefix(a.String())
		if err == nil && prefix.Addr().IsGlobalUnicast() {
			return prefix.Addr()
		}
	}
	return netip.Addr{}
}
