package process

// TryStart tries whether runs can be started, as far as that needs no program.
func (h *Host) TryStart() error {
	if err := probeJob(); err != nil {
		return asStartError("the host has no room for another run", err)
	}
	return nil
}
