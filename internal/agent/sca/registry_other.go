//go:build !windows

package sca

// registry rules apply to Windows alone.
func (e *evaluator) registry(*Rule) answer {
	return cannot(NotApplicable, "this machine has no registry")
}
