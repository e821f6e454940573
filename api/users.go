package api

import "gusty/messages"

type passwordRequest struct {
	Name string          `json:"name"`
	Pass messages.Secret `json:"pass"`
}

// putPassword sets a user's password. The hash is computed here, so that the password itself goes
// no further.
func putPassword(r *request) error {
	var in passwordRequest
	if err := r.decode(&in); err != nil {
		return err
	}
	if err := messages.ValidatePassword(in.Pass.Reveal()); err != nil {
		return err
	}
	if r.server.options.Access().Users[in.Name] == nil {
		return messages.Errorf(messages.CodeNotFound, "there is no such user")
	}
	hash, err := r.server.auth.hasher.hash(r.server.ctx, in.Pass.Reveal())
	if err != nil {
		return err
	}
	if _, err := ask[messages.PasswordSet](r, messages.SetPassword{
		Name:   in.Name,
		Hash:   hash,
		Origin: r.origin(),
	}); err != nil {
		return err
	}
	r.server.auth.remember(in.Name, in.Pass.Reveal(), r.remote(), hash, r.start)
	return r.ok(done("User updated successfully"))
}
