package process

// CloseInherited has nothing to do: a run gets a list of the handles that it inherits.
func CloseInherited() error { return nil }

// DefaultSignals has nothing to do: there is no inherited "ignore".
func DefaultSignals() error { return nil }

// TightenUmask has nothing to do: files inherit the access rights of their directory.
func TightenUmask() {}
