package transfer

import (
	"fmt"
	"slices"

	"golang.org/x/crypto/bcrypt"

	"gusty/messages"
)

const (
	// oldDefaultPassword is the one that every Rust agent was installed with.
	oldDefaultPassword = "Pass"
	// maxHashCost bounds what one login costs: each step doubles it, and 14 is about a second.
	maxHashCost = 14
	// maxHashWork bounds what looking for the old default password costs, in rounds of bcrypt: 256 users of the Rust agent's cost.
	maxHashWork = 256 << 10
)

// hashBudget is what is left of maxHashWork.
type hashBudget struct{ spent int }

// take says whether there is enough left for a hash of the cost.
func (b *hashBudget) take(cost int) bool {
	b.spent += 1 << cost
	return b.spent <= maxHashWork
}

// fillUser takes a row of user_creds. Users of the Rust agent may do everything.
func (c *Collector) fillUser(item *messages.ImportItem, r messages.UserTableRow) {
	if e := messages.AsError(messages.ValidateUserName("user_name", r.Name)); e != nil {
		refuse(item, e.Error())
		return
	}
	item.User = &messages.User{Name: r.Name, Hash: r.Password, Scopes: messages.AllScopes()}
}

// finishUser looks at the hash and the scopes. Nobody gives away what they do not have.
func (c *Collector) finishUser(item *messages.ImportItem) {
	user := item.User
	if why := c.judgeHash(user); why != "" {
		refuse(item, why)
		return
	}
	switch {
	case user.Hash == "":
		user.Disabled = true
		item.Notes = append(item.Notes, "comes in disabled, since there is no password: gustyctl user passwd sets one and enables the user")
	case bcrypt.CompareHashAndPassword([]byte(user.Hash.Reveal()), []byte(oldDefaultPassword)) == nil:
		user.Disabled = true
		item.Notes = append(item.Notes, "comes in disabled, since the password is the old default one: gustyctl user passwd sets another and enables the user")
	}
	scopes := slices.DeleteFunc(slices.Clone(messages.AllScopes()), func(s messages.Scope) bool {
		return !slices.Contains(user.Scopes, s) || !c.rules.May(s)
	})
	if len(scopes) < len(messages.AllScopes()) {
		item.Notes = append(item.Notes, fmt.Sprintf("comes in with the scopes %v", scopes))
	}
	user.Scopes = scopes
}

// judgeHash gives why a hash cannot come in. One that is masked is no hash.
func (c *Collector) judgeHash(user *messages.User) string {
	if user.Hash == messages.Mask {
		user.Hash = ""
	}
	if user.Hash == "" {
		return ""
	}
	cost, err := bcrypt.Cost([]byte(user.Hash.Reveal()))
	switch {
	case err != nil || len(user.Hash) != 60:
		return "password: is no bcrypt hash"
	case cost > maxHashCost:
		return fmt.Sprintf("password: a hash of cost %d would make every login take too long; at most %d is taken", cost, maxHashCost)
	case !c.hashes.take(cost):
		return "these are too many users to look through for the old default password at once; import them in parts"
	}
	return ""
}
