package web

import (
	"context"
	"slices"
	"time"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// coverage says of how many resources of a type everything is known.
type coverage struct {
	Type           string
	Known, Present int
}

// freshness is how well the inventory is known: derived of a view once, since it
// looks at every resource.
type freshness struct {
	Coverage []coverage
	Stalest  []index.ResourceRow
}

// freshnessOf names it: a tenant's, in a scope.
type freshnessOf struct {
	tenant string
	scope  index.Scope
}

// freshness counts coverage for some types and lists some of the stalest resources.
func (v *visit) freshness(types, resources int) (freshness, error) {
	derive := func(context.Context) (f freshness, err error) {
		if f.Coverage, err = v.coverage(types); err == nil {
			f.Stalest, err = v.stalest(resources)
		}
		return f, err
	}
	return v.server.freshness.Get(v.Context(), freshnessOf{v.tenant, v.scope}, v.view, time.Now, derive)
}

// stalest are the resources whose data is oldest. Containers that nobody
// delivered have no age.
func (v *visit) stalest(limit int) ([]index.ResourceRow, error) {
	oldest, err := v.view.Inventory(index.InventoryQuery{Scope: v.scope, Sort: "seen", Limit: 1000})
	if err != nil {
		return nil, err
	}
	var rows []index.ResourceRow
	for _, r := range oldest.Rows {
		if id, err := arm.ParseID(r.ID); err != nil || id.IsChild() || r.ObservedAt.IsZero() || r.Source == "inventory" {
			continue
		}
		if rows = append(rows, r); len(rows) == limit {
			break
		}
	}
	return rows, nil
}

// coverage counts, for the assessed types with the most resources, those of
// which nothing is unknown.
func (v *visit) coverage(limit int) ([]coverage, error) {
	assessed := map[string]bool{}
	for _, r := range v.view.AllRecommendations() {
		for _, t := range r.Types {
			assessed[arm.Fold(t)] = true
		}
	}
	types := slices.Clone(v.view.Types())
	slices.SortStableFunc(types, func(a, b index.TypeCount) int { return b.N - a.N })
	var rows []coverage
	for _, t := range types {
		if len(rows) == limit {
			break
		}
		if !assessed[arm.Fold(t.Type)] {
			continue
		}
		row, err := v.coverageOf(t.Type)
		if err != nil {
			return nil, err
		}
		if row.Present > 0 {
			rows = append(rows, row)
		}
	}
	return rows, nil
}

func (v *visit) coverageOf(typ string) (coverage, error) {
	q := index.InventoryQuery{Scope: v.scope, Type: typ, Limit: 1}
	all, err := v.view.Inventory(q)
	if err != nil {
		return coverage{}, err
	}
	q.State = []record.State{record.Unknown}
	dark, err := v.view.Inventory(q)
	return coverage{typ, all.Total - dark.Total, all.Total}, err
}
