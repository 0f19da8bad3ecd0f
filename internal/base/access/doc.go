// Package access knows who calls and what they may do: principals and their
// secrets, bearer tokens, session cookies, one-time sign-in links, and roles
// assigned at ARM scopes.
//
// A secret exists in clear only in the answer that hands it out; the store and
// the log see hashes. A principal belongs to one tenant, and the tenant of
// every request is its principal's: nothing that a client sends can name
// another one. It must never import a face (api, web), judgement or app.
package access
