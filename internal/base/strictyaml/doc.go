// Package strictyaml reads the product's own YAML files (configuration, content)
// into structs: unknown and repeated keys, wrong kinds and anchors are errors
// that name file, line and the nearest known key.
//
// It must never import another package of this module.
package strictyaml
