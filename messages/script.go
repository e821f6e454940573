package messages

// ScriptType is the interpreter of a script; the numbers are those of the Rust agent.
type ScriptType uint64

// The script types.
const (
	ScriptPython ScriptType = 0
	ScriptBash   ScriptType = 1
)

// String returns the interpreter's usual name.
func (t ScriptType) String() string {
	switch t {
	case ScriptPython:
		return "python"
	case ScriptBash:
		return "bash"
	default:
		return "unknown"
	}
}
