// Package content is what the product knows, as data: recommendations with
// their policy logic, controls, standards and roles, embedded,
// and the strict reader that validates every file of it.
//
// It must never import another package of this module but strictyaml and
// baselines: it is
// data, and what it means is said elsewhere.
package content

import "embed"

//go:generate go run ./gen

// FS holds every content file as it is in the repository.
//
//go:embed all:policies all:controls all:standards *.tsv
var FS embed.FS
