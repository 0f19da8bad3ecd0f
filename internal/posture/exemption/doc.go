// Package exemption says who may put an exemption in force: requests, their
// approval, and renewal. What it decides is kept in the exemption's own
// properties.metadata.rampart, so that the ARM shape stays as clients know it.
//
// It imports access, policy, store and arm. It must never import posture, which
// asks an exemption only whether it exempts.
package exemption
