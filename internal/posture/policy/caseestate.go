package policy

import (
	"encoding/json"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/wire"
)

// relatedAnswer is what a lookup of related resources gives in a case.
type relatedAnswer struct {
	Key      *relatedKey     `json:"key"`
	Resource json.RawMessage `json:"resource"`
}

// relatedKey restricts an answer to lookups of a type and name.
type relatedKey struct {
	Type string `json:"type"`
	Name string `json:"name"`
}

// caseEstate answers lookups from the list of a case.
type caseEstate []relatedAnswer

// Resource implements Estate: cases have no containers.
func (caseEstate) Resource(arm.ID) *Resource { return nil }

// Related implements Estate. A null or empty resource means that nothing was
// found; an array stands for several.
func (list caseEstate) Related(q Query) ([]*Resource, error) {
	var out []*Resource
	for _, a := range list {
		if a.Key != nil && !a.Key.matches(q) || isNull(a.Resource) {
			continue
		}
		bodies := []json.RawMessage{a.Resource}
		var several []json.RawMessage
		if json.Unmarshal(a.Resource, &several) == nil {
			bodies = several
		}
		for _, body := range bodies {
			r, err := NewResource(wire.Document{Body: body})
			if err != nil {
				return nil, err
			}
			if len(r.Body.Fields) == 0 {
				continue
			}
			if r.Type == "" {
				r.Type = q.Type
			}
			out = append(out, r)
		}
	}
	return out, nil
}

func (k *relatedKey) matches(q Query) bool {
	return (k.Type == "" || equalFold(k.Type, q.Type)) && (k.Name == "" || equalFold(k.Name, q.Name))
}
