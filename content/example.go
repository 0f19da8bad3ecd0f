package content

import (
	"encoding/json"
	"fmt"
	"slices"
)

// Body returns the resource of example i: its own, or that of the example that
// From names with Patch applied. From may only name an earlier example.
func (r *Recommendation) Body(i int) (json.RawMessage, error) {
	e := r.Examples[i]
	body := e.Resource
	if e.From != "" {
		origin := slices.IndexFunc(r.Examples[:i], func(o Example) bool { return o.Name == e.From })
		if origin < 0 {
			return nil, fmt.Errorf("example %q: no earlier example %q", e.Name, e.From)
		}
		var err error
		if body, err = r.Body(origin); err != nil {
			return nil, err
		}
	}
	if !isObject(body) {
		return nil, fmt.Errorf("example %q has no resource", e.Name)
	}
	if e.Patch == nil {
		return body, nil
	}
	patched, err := ApplyPatch(body, e.Patch)
	if err != nil {
		return nil, fmt.Errorf("example %q: %w", e.Name, err)
	}
	return patched, nil
}
