// Package plan keeps the protection plans of every subscription: which tier
// each plan is on, its sub-plan and extensions, and what is left of its one
// 30-day trial. It also registers a subscription: all plans on Free and the
// built-in initiative assigned.
//
// Every rule is a pure function of (plan, state, change, instant); Plans is the
// thin part that keeps the results in the store. It must never import a face
// (api, web), posture or app.
package plan
