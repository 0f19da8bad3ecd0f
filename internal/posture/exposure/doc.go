// Package exposure computes which ports of which machines the internet can
// reach, from the network's resource documents: public addresses, load
// balancers, subnets and the security rules on the way. The answer is a
// document below each machine, so that policies judge it like any other.
//
// It must never import judgement (policy, posture), a face or app.
package exposure
