package transfer

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/crypto/bcrypt"

	"gusty/messages"
	"gusty/messages/table"
)

const (
	// oldDefaultPassword is the one that every Rust agent was installed with.
	oldDefaultPassword = "Pass"
	hashBytes          = 60 // of any bcrypt hash
	// maxHashCost bounds what one login costs: each step doubles it, and 14 is about a second.
	maxHashCost = 14
	// maxHashWork bounds what looking for the old default password costs, in rounds of bcrypt: 256
	// users of the Rust agent's cost.
	maxHashWork = 256 << 10
)

// hashBudget is what is left of maxHashWork.
type hashBudget struct{ spent int }

// take reports whether there is enough left for a hash.
func (b *hashBudget) take(hash messages.Secret) bool {
	cost, err := bcrypt.Cost([]byte(hash.Reveal()))
	if err != nil {
		return false
	}
	b.spent += 1 << cost
	return b.spent <= maxHashWork
}

// fillUser takes a row of user_creds. Users of the Rust agent may do everything.
func (c *Collector) fillUser(item *messages.ImportItem, r table.UserTableRow) {
	if e := messages.AsError(messages.ValidateUserName("user_name", r.Name)); e != nil {
		refuse(item, e.Error())
		return
	}
	item.User = &messages.User{Name: r.Name, Hash: r.Password, Scopes: messages.AllScopes()}
}

// finishUser looks at the hash and the scopes. Nobody gives away what they do not have.
func (c *Collector) finishUser(item *messages.ImportItem) {
	user := item.User
	why := unusable(user)
	switch {
	case why != "":
		user.Hash = ""
	case !c.hashes.take(user.Hash):
		refuse(item, "these are too many users to look through for the old default password at "+
			"once; import them in parts")
		return
	case bcrypt.CompareHashAndPassword([]byte(user.Hash.Reveal()),
		[]byte(oldDefaultPassword)) == nil:
		why = "the password is the old default one"
	}
	if why != "" {
		user.Disabled = true
		item.Notes = append(item.Notes, "comes in disabled, since "+why+
			": gustyctl user passwd sets one and enables the user")
	}
	c.limitScopes(item)
}

func (c *Collector) limitScopes(item *messages.ImportItem) {
	if unknown := unknownScopes(item.User.Scopes); len(unknown) > 0 {
		item.Notes = append(item.Notes, "scopes that this version does not have are left out: "+
			strings.Join(unknown, ", "))
	}
	scopes := slices.DeleteFunc(messages.AllScopes(), func(s messages.Scope) bool {
		return !slices.Contains(item.User.Scopes, s) || !c.rules.May(s)
	})
	if len(scopes) < len(messages.AllScopes()) {
		item.Notes = append(item.Notes, fmt.Sprintf("comes in with the scopes %v", scopes))
	}
	item.User.Scopes = scopes
}

// unknownScopes returns the scopes that this version does not have, quoted; of many the first few.
func unknownScopes(scopes []messages.Scope) (quoted []string) {
	const most, mostBytes = 5, 40
	for _, scope := range scopes {
		if slices.Contains(messages.AllScopes(), scope) {
			continue
		}
		if len(quoted) == most {
			return append(quoted, "…")
		}
		quoted = append(quoted, strconv.Quote(string(scope[:min(len(scope), mostBytes)])))
	}
	return quoted
}

// unusable returns why nobody could log in with a hash, or should.
func unusable(user *messages.User) string {
	if user.Hash == "" || user.Hash == messages.Mask {
		return "there is no password"
	}
	cost, err := bcrypt.Cost([]byte(user.Hash.Reveal()))
	switch {
	case err != nil || len(user.Hash) != hashBytes:
		return "the password is no bcrypt hash"
	case cost > maxHashCost:
		return fmt.Sprintf(
			"a hash of cost %d would make every login take too long, and at most %d is taken", cost,
			maxHashCost)
	}
	return ""
}
