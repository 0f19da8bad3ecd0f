// Package scanner keeps the images of connected registries scanned: it lists what
// a registry has, takes in what it notifies, scans each digest once, tries again
// what failed, and matches stored inventories again when advisories change. What
// it finds becomes documents: one of each image, one report below it.
//
// It must never import posture, threat or faces: they read the documents.
package scanner
