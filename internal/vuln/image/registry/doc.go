// Package registry speaks with container registries by the OCI distribution API:
// it lists repositories and tags, resolves references to images of platforms,
// opens images for scanning, and reads what registries notify.
//
// A registry is not trusted: it can send us to no internal address that the user
// did not name, cannot make us wait or read for ever, and gets credentials only
// for itself.
//
// It must never import advisories, stores or faces.
package registry
