// Package enroll gives agents their identity: tokens that let a host in, client
// certificates and their renewal, revocation, approval, and quarantine when two
// hosts use one identity.
//
// A token names the resource group that its hosts belong to, how often and until
// when it may be used. A host that presents one gets a certificate for the key
// that it has drawn itself; from then on it is known by the certificate's serial
// number. An agent renews at two thirds of the certificate's life with a new
// key. The certificate before stays good until the new one is used, so that an
// answer that got lost locks nobody out; a host that goes on with the old one
// after that is a copy, and both are quarantined until somebody looks.
//
// It may import the base area and must never import what judges or shows.
package enroll
