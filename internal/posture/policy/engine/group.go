package engine

import (
	"strings"

	"github.com/rampart-sec/rampart/internal/posture/policy"
)

// A condition that reads nothing but the resource's group or subscription has
// one answer for all resources of the group. Workers remember it until a
// container changes.

// groupAnswers remembers answers by condition and group.
type groupAnswers struct {
	generation uint64
	answers    map[groupQuestion]policy.Truth
}

type groupQuestion struct {
	condition *slowLeaf
	group     string
}

// maxGroupAnswers bounds the memory of a worker.
const maxGroupAnswers = 1 << 16

// get returns a remembered answer of the current generation.
func (g *groupAnswers) get(generation uint64, q groupQuestion) (policy.Truth, bool) {
	if g.generation != generation || len(g.answers) >= maxGroupAnswers {
		g.generation, g.answers = generation, nil
	}
	t, ok := g.answers[q]
	return t, ok
}

func (g *groupAnswers) put(q groupQuestion, t policy.Truth) {
	if g.answers == nil {
		g.answers = map[groupQuestion]policy.Truth{}
	}
	g.answers[q] = t
}

// ofGroup reports whether a condition reads members of resourceGroup() and
// subscription() alone, other than names and ids, which resources may spell
// differently.
func ofGroup(c policy.Condition) bool {
	r := readsOf(c)
	if r.now || r.parent || !r.group && !r.subscription {
		return false
	}
	plain := true
	policy.Fields(c, func(*policy.Field, bool) { plain = false })
	members, calls := 0, 0
	policy.Expressions(c, func(e policy.Expr) {
		switch e := e.(type) {
		case *policy.Call:
			switch e.Name {
			case "resourcegroup", "subscription":
				calls++
			case "policy":
				plain = false
			}
		case *policy.MemberAccess:
			if _, ok := e.X.(*policy.Call); ok && !namesContainer(e.Name) {
				members++
			}
		}
	})
	return plain && members >= calls
}

func namesContainer(member string) bool {
	for _, name := range []string{"id", "name", "subscriptionId", "type"} {
		if strings.EqualFold(name, member) {
			return true
		}
	}
	return false
}
