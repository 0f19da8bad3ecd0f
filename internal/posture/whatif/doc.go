// Package whatif asks what would be: it reads what people suppose of the estate
// (resources as files have them, ARM templates, things fixed, things exempt)
// and tells what score, controls, recommendations and standards would be. It
// stores nothing.
//
// It must never import a face; faces show its Report.
package whatif
