// Package api is the face that programs see: the Azure Resource Manager wire
// format for scores, assessments, plans and policy, the token endpoint that
// logs its clients in, and Rampart's own endpoints below /rampart/v1.
//
// routes.go lists every endpoint with the action that it needs. A handler gets
// a request whose caller is known and allowed; the tenant it works in is the
// caller's and comes from nowhere else. It must never be imported by anything
// but app, and never import another face.
package api
