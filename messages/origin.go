package messages

// Origin says who asked for a change, so that the change's own transaction can record it.
type Origin struct {
	// the user or token name; "agent" for the agent's own doing, "host" for the command line on a
	// stopped agent
	Principal string
	RequestID string // the X-Request-Id of the answer
	Remote    string // the client's address, without port
}

// OriginAgent is the origin of what the agent does by itself.
func OriginAgent() Origin { return Origin{Principal: "agent"} }
