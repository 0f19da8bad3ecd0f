package engine

import (
	"encoding/binary"
	"strings"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/policy"
)

// kinds are what a worker remembers of a set, so that it need not ask for each
// resource what is the same for many of them: a set is asked under a lock.
type kinds struct {
	set *Set
	by  map[spelling]*kind
	// covering are the assignments that cover a subscription, as it is spelled;
	// most subscriptions have the same. Unless the set is fine.
	covering map[string]string
	size     int
}

// spelling is the type and API version of documents, as they are written.
type spelling struct{ typ, version string }

// kind is what documents of one spelling have in common.
type kind struct {
	typ     string // folded
	program *typeProgram
	plans   map[string]*plan // by what covers the subscription
}

// maxKinds bounds what is remembered, plans counted: documents may spell types
// and subscriptions in any case.
const maxKinds = 1 << 16

// of gives the kind of a document of a set.
func (k *kinds) of(s *Set, typ, version string) (*kind, error) {
	if k.set != s || k.size >= maxKinds {
		*k = kinds{set: s, by: map[spelling]*kind{}, covering: map[string]string{}}
	}
	if known := k.by[spelling{typ, version}]; known != nil {
		return known, nil
	}
	folded := strings.Clone(arm.Fold(typ))
	program, err := s.program(folded, version)
	if err != nil {
		return nil, err
	}
	made := &kind{folded, program, map[string]*plan{}}
	k.by[spelling{strings.Clone(typ), strings.Clone(version)}] = made
	k.size++
	return made, nil
}

// plan is the set's planFor.
func (k *kinds) plan(of *kind, target policy.Target) *plan {
	sub := target.ID.Subscription()
	if k.set.fine || sub == "" {
		return k.set.planFor(of.program, target)
	}
	covering, known := k.covering[sub]
	if !known {
		covering = k.set.coveringKey(target)
		k.covering[strings.Clone(sub)] = covering
		k.size++
	}
	p := of.plans[covering]
	if p == nil {
		p = k.set.planFor(of.program, target)
		of.plans[covering] = p
		k.size++
	}
	return p
}

// coveringKey stands for the assignments that cover a resource.
func (s *Set) coveringKey(target policy.Target) string {
	var key []byte
	covering, _ := s.covering(target)
	for _, a := range covering {
		key = binary.AppendUvarint(key, uint64(a))
	}
	return string(key)
}
