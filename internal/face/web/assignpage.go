package web

import (
	"strings"
	"time"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/ownership"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// assignPage is the task of one assessment: whose it is, and the forms that
// change that.
type assignPage struct {
	*frame
	R          *record.Recommendation
	A          record.Assessment
	Task       taskView
	Entry      ownership.Entry
	CanAssign  bool
	CanPromise bool
	CanRemove  bool // a person assigned it, here
	MinDate    string
	Back       string
}

func assignForm(v *visit) (page, error) {
	id, err := v.one("id")
	if err != nil {
		return page{}, err
	}
	resource, err := v.one("resource")
	if err != nil {
		return page{}, err
	}
	if err := v.who.Allow(actionRead, resource); err != nil {
		return page{}, err
	}
	a, ok := v.view.Assessment(resource, id)
	if !ok {
		return page{}, arm.NotFound(clip(resource, 200))
	}
	p := &assignPage{frame: v.newFrame("Assign: " + a.Recommendation.Title), R: a.Recommendation, A: a, Task: taskView{a},
		MinDate: v.now.AddDate(0, 0, 1).Format(time.DateOnly), Back: safe(firstOf(v.Get("back"), v.To("/recommendation", "id", a.Recommendation.ID)))}
	if v.server.opt.Owners == nil {
		return page{name: "assign", data: p}, nil
	}
	known, assigned := ownership.EntryOf(v.tenant, &a)
	if assigned {
		// What is stored may be newer than the view, and has the ETag.
		if p.Entry, err = v.server.opt.Owners.Get(v.Context(), known.Place); arm.IsNotFound(err) {
			assigned = false
		} else if err != nil {
			return page{}, err
		}
	}
	p.CanAssign = a.State == record.Unhealthy && v.may(ownership.Write, a.ResourceID)
	p.CanPromise = assigned && a.State == record.Unhealthy && p.Entry.Owner != "" && (p.CanAssign || ownership.IsOwner(v.who, p.Entry.Assignment))
	p.CanRemove = assigned && strings.EqualFold(p.Entry.Assignment.ID, p.Entry.Place.ID()) && v.may(ownership.Delete, a.ResourceID)
	return page{name: "assign", data: p}, nil
}
