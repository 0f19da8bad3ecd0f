package web

import (
	"strings"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/governance"
	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// Whose tasks a list shows, in its address: by=people or by=nobody, or the id of
// a rule; owner= with either of the first and the last.
const (
	byPeople = "people"
	byNobody = "nobody"
)

// party reads whose tasks the address selects, nil for anybody's.
func (v *visit) party() (*index.Owner, error) {
	by, owner := v.Get("by"), v.Get("owner")
	switch by {
	case "":
		return nil, nil
	case byNobody:
		return &index.Owner{Nobody: true}, nil
	case byPeople:
		return &index.Owner{Owner: owner}, nil
	}
	if _, err := arm.ParseID(by); err != nil {
		return nil, arm.Invalid("by: %v.", err)
	}
	return &index.Owner{RuleID: by, Owner: owner}, nil
}

// partyWord says whose tasks are listed.
func (v *visit) partyWord(p index.Owner) string {
	word := "Tasks that nobody was given"
	switch {
	case p.Nobody:
		return word
	case p.RuleID == "":
		word = "Tasks assigned by people"
	default:
		word = "Tasks assigned by the rule " + resourceName(p.RuleID)
		for _, w := range v.view.Workloads(v.scope) {
			if w.Rule != "" && strings.EqualFold(w.RuleID, p.RuleID) {
				word = "Tasks assigned by the rule " + w.Rule
				break
			}
		}
	}
	if p.Owner == "" {
		return word + ", without owner"
	}
	return word + " to " + p.Owner
}

// workRow is one row of the governance report with the lists that it counts.
type workRow struct {
	index.Workload
	address
}

// URL is the list of the row's tasks with a status; "" is all that are open.
func (r workRow) URL(status string) string {
	by := r.RuleID
	switch {
	case by == "" && r.ByHand:
		by = byPeople
	case by == "":
		by = byNobody
	}
	state := record.Unhealthy
	if s, ok := governance.ParseStatus(status); ok {
		state = stateOfTask(s)
	}
	return r.To("/assessments", "by", by, "owner", r.Owner, "state", state.String(), "task", status)
}
