// Package messages holds the nouns that Gusty's parts talk about (Job, Run, Config, Sample,
// Document, User), the requests that actors take, the replies they give, and the one error type
// that may cross from an actor to a client.
//
// Requests are verbs (PutJob), replies are past tense or the noun itself (JobPut, Run). Every
// request gets exactly one reply: the reply type named in its comment, or an *Error. Values in a
// message belong to whoever receives it: a sender never changes what it has sent, and a handler
// copies what it took from a network buffer before it sends it on.
//
// The package imports nothing but the standard library, so that every other package can import it.
package messages
