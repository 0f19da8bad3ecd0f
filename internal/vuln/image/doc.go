// Package image scans container images: it reads their layers, says which
// packages each layer brings, matches them with advisories, and looks at secrets
// and at how the image is configured.
//
// A scan that could not read something says so and never calls it healthy:
// without advisories, with a layer that is not what its manifest claims, or with
// an ecosystem that no advisory speaks of.
//
// It must never import posture, threat, faces or the packages report and
// registry, which stand on it.
package image
