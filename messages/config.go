package messages

import (
	"strconv"
	"time"
)

// StoredParameter is a row of server_config.
type StoredParameter struct {
	Name      string
	Global    string
	Local     string
	CanModify bool
}

// Config is an immutable snapshot of all parameters. Every change makes another one, with a higher
// Version.
type Config struct {
	Version uint64
	rows    map[string]StoredParameter
}

// NewConfig makes a snapshot of rows; a parameter without a row has its default. Rows of unknown
// names are kept and shown to nobody.
func NewConfig(version uint64, rows []StoredParameter) *Config {
	c := &Config{Version: version, rows: make(map[string]StoredParameter, len(rows))}
	for _, p := range Parameters() {
		c.rows[p.Name] = StoredParameter{Name: p.Name, Global: p.Default, CanModify: p.CanModify}
	}
	for _, row := range rows {
		c.rows[row.Name] = row
	}
	return c
}

// With returns a snapshot in which the local values of the named parameters are replaced.
func (c *Config) With(version uint64, local map[string]string) *Config {
	next := &Config{Version: version, rows: make(map[string]StoredParameter, len(c.rows))}
	for name, row := range c.rows {
		if value, ok := local[name]; ok {
			row.Local = value
		}
		next.rows[name] = row
	}
	return next
}

// Row returns a parameter's stored row.
func (c *Config) Row(name string) StoredParameter { return c.rows[name] }

// Text returns the effective value: the local one unless it is empty, else the global one.
func (c *Config) Text(name string) string {
	row := c.rows[name]
	if row.Local != "" {
		return row.Local
	}
	return row.Global
}

// Secret returns the effective value of a secret parameter.
func (c *Config) Secret(name string) Secret { return Secret(c.Text(name)) }

// Int returns the effective value of an integer parameter, or its default where the stored text is
// no number in range (a row that came by import or by hand).
func (c *Config) Int(name string) int64 {
	p, known := FindParameter(name)
	if !known {
		return 0
	}
	n, err := strconv.ParseInt(c.Text(name), 10, 64)
	if err != nil || n < p.Least || n > p.Most {
		n, _ = strconv.ParseInt(p.Default, 10, 64)
	}
	return n
}

// Bool returns the effective value of a boolean parameter.
func (c *Config) Bool(name string) bool {
	switch c.Text(name) {
	case "1", "true":
		return true
	default:
		return false
	}
}

// Seconds returns an integer parameter as a duration in seconds.
func (c *Config) Seconds(name string) time.Duration {
	return time.Duration(c.Int(name)) * time.Second
}

// Requests to the config actor.
type (
	// GetConfig asks for the snapshot in force. Reply: *Config.
	GetConfig struct{}
	// ParameterValue is one parameter and the local value that it shall have.
	ParameterValue struct{ Name, Value string }
	// SetParameters sets local values, all or none. A value that is Mask keeps a secret as it is.
	// Reply: ParametersSet. Codes: invalid (Field is the parameter's name), forbidden (the
	// parameter is set on the host only).
	SetParameters struct {
		Values []ParameterValue
		Origin Origin
	}
	// ParametersSet says that the values are durable and in force.
	ParametersSet struct{ Config *Config }
)

// String keeps %v from printing values.
func (m SetParameters) String() string { return "SetParameters" }
