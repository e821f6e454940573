package messages

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Scope is a right that a route asks for.
type Scope string

// The scopes. A route names one of them or none.
const (
	ScopeRead    Scope = "read"    // look at everything but secrets
	ScopeJobs    Scope = "jobs"    // store, delete, pause and run stored jobs
	ScopeExecute Scope = "execute" // run commands and scripts that come with the request
	ScopeConfig  Scope = "config"  // change parameters
	ScopeUsers   Scope = "users"   // change users and passwords
	ScopeAgent   Scope = "agent"   // stop, restart and update the agent
	ScopeStore   Scope = "store"   // export, import, backup, key rotation
)

// AllScopes lists every scope: what a user has by default.
func AllScopes() []Scope {
	return []Scope{
		ScopeRead, ScopeJobs, ScopeExecute, ScopeConfig, ScopeUsers, ScopeAgent,
		ScopeStore,
	}
}

// AdminUser is the user that the first start makes.
const AdminUser = "Admin"

// MaxPasswordBytes is what bcrypt reads of a password; a longer one is refused instead of cut.
const MaxPasswordBytes = 72

// User is one who may log in with HTTP Basic.
type User struct {
	Name     string
	Hash     Secret // bcrypt
	Scopes   []Scope
	Disabled bool
}

// Has reports whether the user may do what scope names; every user may do what needs no scope.
func (u *User) Has(scope Scope) bool {
	return scope == "" || slices.Contains(u.Scopes, scope)
}

// HasAll reports whether the user may do everything.
func (u *User) HasAll() bool {
	for _, scope := range AllScopes() {
		if !u.Has(scope) {
			return false
		}
	}
	return true
}

// Access is an immutable snapshot of who may do what. A later snapshot is another value with a
// higher Version.
type Access struct {
	Version uint64
	Users   map[string]*User
}

// Requests to the access actor.
type (
	// SetPassword replaces a user's hash. Reply: PasswordSet. Code not_found: no such user.
	SetPassword struct {
		Name   string
		Hash   Secret
		Origin Origin
	}
	// PasswordSet says that the new password is durable and the only one that works.
	PasswordSet struct{ Name string }
)

// ValidatePassword checks what a new password must be, and names the field pass.
func ValidatePassword(pass string) error {
	switch {
	case pass == "":
		return Invalidf("pass", "must not be empty")
	case len(pass) > MaxPasswordBytes:
		return Invalidf("pass", "is %d bytes, at most %d are allowed", len(pass), MaxPasswordBytes)
	case strings.ContainsRune(pass, 0):
		return Invalidf("pass", "must not contain a NUL character")
	}
	return nil
}

// ValidateUserName checks a new user's name: 1 to 255 bytes of UTF-8, no control characters, no
// colon (HTTP Basic, RFC 7617).
func ValidateUserName(field, name string) error {
	switch {
	case name == "":
		return Invalidf(field, "must not be empty")
	case len(name) > 255 || !utf8.ValidString(name) ||
		strings.IndexFunc(name, unicode.IsControl) >= 0:
		return Invalidf(field, "needs 1 to 255 bytes of UTF-8 without control characters")
	case strings.Contains(name, ":"):
		return Invalidf(field, "must not contain a colon")
	}
	return nil
}
