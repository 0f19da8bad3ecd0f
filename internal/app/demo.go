package app

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/rampart-sec/rampart/content"
	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/inventory"
	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/base/wire"
	"github.com/rampart-sec/rampart/internal/collect/simulate"
	"github.com/rampart-sec/rampart/internal/face/web"
	"github.com/rampart-sec/rampart/internal/posture/compliance"
	"github.com/rampart-sec/rampart/internal/posture/history"
	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/judge"
)

// The sample tenant's size.
const (
	demoResources = 2000
	demoDays      = 30
	demoSeed      = 20260101
)

// demo fills the sample tenant once. Its resources are judged like real ones;
// only its past is made up, from today's counts.
type demo struct {
	db      *store.DB
	inv     *inventory.Inventory
	judge   *judge.Judge
	library *content.Library
	records *compliance.Records
	now     func() time.Time
	log     *slog.Logger
}

// run makes the tenant, waits for its first judgement and writes its past. A
// tenant that is there already is left as it is.
func (d demo) run(ctx context.Context) error {
	fresh := false
	err := d.db.Update(ctx, func(tx *store.Tx) error {
		all, err := tx.Tenants(ctx)
		if err != nil {
			return err
		}
		for _, t := range all {
			if t.ID == web.Sample {
				return nil
			}
		}
		fresh = true
		_, err = tx.PutTenant(ctx, store.Tenant{ID: web.Sample, Name: "Sample data", Kind: store.TenantDemo})
		return err
	})
	if err != nil || !fresh {
		return err
	}
	start := d.now()
	switch err := d.make(ctx); {
	case store.IsNoTenant(err):
		d.log.Info("sample tenant was removed while it was made")
	case err != nil:
		return fmt.Errorf("sample tenant: %w", err)
	default:
		d.log.Info("sample tenant is ready", "resources", demoResources, "took", d.now().Sub(start))
	}
	return nil
}

func (d demo) make(ctx context.Context) error {
	if err := d.fill(ctx); err != nil {
		return err
	}
	view, err := d.judged(ctx)
	if err != nil {
		return err
	}
	return d.past(ctx, view)
}

func (d demo) fill(ctx context.Context) error {
	g, err := simulate.New(simulate.Options{Resources: demoResources, Seed: demoSeed, Library: d.library, Source: "sample", Now: d.now()})
	if err != nil {
		return err
	}
	var docs []wire.Document
	for doc, ok := g.Next(); ok; doc, ok = g.Next() {
		docs = append(docs, doc)
	}
	_, err = d.inv.Put(ctx, web.Sample, docs)
	return err
}

// judged waits until the judge has seen the whole sample.
func (d demo) judged(ctx context.Context) (*index.View, error) {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		if e := d.judge.Estate(web.Sample); e != nil {
			if v := e.View(); v.Resources() >= demoResources && v.Score(index.Scope{}).Max > 0 {
				return v, nil
			}
		} else if err := d.there(ctx); err != nil {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-tick.C:
		}
	}
}

// there is an error if the tenant is gone.
func (d demo) there(ctx context.Context) error {
	return d.db.View(ctx, func(tx *store.Tx) error {
		_, err := tx.Tenant(ctx, web.Sample)
		return err
	})
}

// past writes score rows for each day before today: an estate that began worse
// than it is and was mended by and by, with a setback in between.
func (d demo) past(ctx context.Context, v *index.View) error {
	scopes := []string{""}
	for _, s := range v.Subscriptions() {
		scopes = append(scopes, s.ID)
	}
	rnd := rand.New(rand.NewPCG(demoSeed, 1))
	today := d.now().Truncate(24 * time.Hour)
	standards, err := d.records.Standards(ctx, web.Sample, v)
	if err != nil {
		return err
	}
	var rows []store.ScoreRow
	var outcomes []store.ComplianceRow
	for day := demoDays; day > 0; day-- {
		worse := float64(day) / demoDays * 0.35
		if day > 9 && day < 13 {
			worse += 0.08
		}
		worse += rnd.Float64() * 0.02
		for _, scope := range scopes {
			at := today.AddDate(0, 0, -day)
			rows = append(rows, pastRows(v, scope, at, worse)...)
			for _, std := range standards {
				r := compliance.Evaluate(v, std, index.Scope{ID: scope}, nil, at)
				outcomes = append(outcomes, pastOutcome(&r, worse))
			}
		}
	}
	return d.db.Update(ctx, func(tx *store.Tx) error {
		if err := tx.PutScoreRows(ctx, rows); err != nil {
			return err
		}
		return tx.PutCompliance(ctx, outcomes)
	})
}

// pastOutcome is what a standard said of the sample when a share of what passes
// now was broken: the same controls first every day, so that they are mended one
// by one.
func pastOutcome(r *compliance.Report, worse float64) store.ComplianceRow {
	row := r.Row(web.Sample)
	states := []byte(row.States)
	for i := range states {
		if states[i] == 'P' && float64(i*7919%100) < worse*100 {
			states[i] = 'F'
			row.Passed--
			row.Failed++
		}
	}
	row.States = string(states)
	return row
}

// pastRows are a scope's score rows of one day, made from today's counts with
// a share of the healthy resources broken. The whole score falls as the pooled
// counts do.
func pastRows(v *index.View, scope string, at time.Time, worse float64) []store.ScoreRow {
	var rows []store.ScoreRow
	var now, then float64 // pooled points
	for _, c := range v.Controls(index.Scope{ID: scope}) {
		broken := int32(float64(c.Healthy) * worse)
		rows = append(rows, store.ScoreRow{Tenant: web.Sample, Scope: arm.Fold(scope), Control: c.Control.ID, At: at,
			Healthy: int32(c.Healthy) - broken, Unhealthy: int32(c.Unhealthy) + broken, Unknown: int32(c.Unknown), NotApplicable: int32(c.NotApplicable)})
		if known := c.Healthy + c.Unhealthy; known > 0 {
			now += float64(c.Max*c.Healthy) / float64(known)
			then += float64(c.Max*(c.Healthy-int(broken))) / float64(known)
		}
	}
	s := v.Score(index.Scope{ID: scope})
	if now == 0 {
		return rows
	}
	s.Percent, s.Low, s.High = s.Percent*then/now, s.Low*then/now, s.High*then/now
	return append(rows, history.SummaryRow(web.Sample, scope, at, s))
}
