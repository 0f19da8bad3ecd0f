package compliance

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/judge"
)

// Recorder writes what standards say of the estate and each subscription, when
// it is other than what was written last. Use it from one goroutine.
type Recorder struct {
	records *Records
	judge   *judge.Judge
	log     *slog.Logger
	tenants map[string]*recorded
	swept   time.Time
}

// recorded is what was written last of one tenant, by standard and folded
// scope, and of which view.
type recorded struct {
	last map[[2]string]store.ComplianceRow
	seq  uint64
	at   time.Time
}

// NewRecorder makes a recorder; it starts nothing.
func NewRecorder(records *Records, judge *judge.Judge) *Recorder {
	return &Recorder{records: records, judge: judge, log: records.opt.Log, tenants: map[string]*recorded{}}
}

const (
	// lookEvery is how often views are compared. A row holds an hour, so that
	// what comes and goes within a look is not missed.
	lookEvery = 20 * time.Second
	// lookAgain is after how long an unchanged view is looked at all the same:
	// attestations run out.
	lookAgain = 10 * time.Minute
	// sweepEvery is how often history beyond its retention is removed.
	sweepEvery = time.Hour
)

// Run records until ctx ends. An error of the store is logged; the next look
// makes up for it.
func (r *Recorder) Run(ctx context.Context) error {
	select {
	case <-r.judge.Ready():
	case <-ctx.Done():
		return ctx.Err()
	}
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		if err := r.Look(ctx); err != nil && ctx.Err() == nil {
			r.log.Error("compliance history is behind; it is tried again", "error", err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// Look records every tenant whose view changed since the last look, and sweeps
// when that is due.
func (r *Recorder) Look(ctx context.Context) error {
	var errs []error
	now := r.records.opt.Now().UTC()
	known := r.judge.Tenants()
	for _, tenant := range known {
		if err := r.look(ctx, tenant, now); err != nil && !store.IsNoTenant(err) {
			errs = append(errs, fmt.Errorf("tenant %q: %w", tenant, err))
		}
	}
	for tenant := range r.tenants {
		if !slices.Contains(known, tenant) {
			delete(r.tenants, tenant)
		}
	}
	if now.Sub(r.swept) >= sweepEvery {
		errs = append(errs, r.sweep(ctx, now))
	}
	return errors.Join(errs...)
}

// sweep takes one bounded step; when more is left the next look goes on.
func (r *Recorder) sweep(ctx context.Context, now time.Time) error {
	since := r.swept
	if !since.IsZero() {
		since = since.Add(-7 * 24 * time.Hour) // what was thinned before stays thin
	}
	more, err := r.records.opt.Store.SweepCompliance(ctx, since)
	if err == nil && !more {
		r.swept = now
	}
	return err
}

func (r *Recorder) look(ctx context.Context, tenant string, now time.Time) error {
	estate := r.judge.Estate(tenant)
	if estate == nil || estate.View() == nil {
		return nil
	}
	view, past := estate.View(), r.tenants[tenant]
	if past == nil {
		var err error
		if past, err = r.read(ctx, tenant); err != nil {
			return err
		}
		r.tenants[tenant] = past
	}
	if past.seq == view.Seq() && now.Sub(past.at) < lookAgain {
		return nil
	}
	rows, err := r.rows(ctx, tenant, view, now)
	if err != nil {
		return err
	}
	changed := slices.DeleteFunc(rows, func(row store.ComplianceRow) bool { return !past.differs(&row) })
	if err := r.write(ctx, tenant, changed); err != nil {
		return err
	}
	for _, row := range changed {
		past.last[keyOf(&row)] = row
	}
	past.seq, past.at = view.Seq(), now
	return nil
}

// read reads what was written last, by this process or one before.
func (r *Recorder) read(ctx context.Context, tenant string) (*recorded, error) {
	past := &recorded{last: map[[2]string]store.ComplianceRow{}}
	err := r.records.view(ctx, func(tx *store.Tx) error {
		rows, err := tx.LatestCompliance(ctx, tenant)
		for _, row := range rows {
			past.last[keyOf(&row)] = row
		}
		return err
	})
	return past, err
}

func keyOf(row *store.ComplianceRow) [2]string { return [2]string{row.Standard, arm.Fold(row.Scope)} }

// differs reports whether a row says something new. Nothing is written before
// anything was assessed.
func (p *recorded) differs(row *store.ComplianceRow) bool {
	last, known := p.last[keyOf(row)]
	if !known {
		return row.Passed+row.Failed > 0
	}
	return last.States != row.States || !slices.Equal(last.Controls, row.Controls)
}

// rows are what every standard says now of every scope to which it applies.
func (r *Recorder) rows(ctx context.Context, tenant string, v *index.View, now time.Time) ([]store.ComplianceRow, error) {
	standards, err := r.records.Standards(ctx, tenant, v)
	if err != nil {
		return nil, err
	}
	attested, err := r.attested(ctx, tenant)
	if err != nil {
		return nil, err
	}
	var rows []store.ComplianceRow
	scopes := append([]string{""}, v.SubscriptionIDs("")...)
	for _, std := range standards {
		b, numbers := std.bind(v), numbersOf(std)
		for _, id := range scopes {
			scope := index.Scope{ID: id}
			if std.Applies(v, scope) {
				row := b.row(scope, attested[arm.Fold(id)], now)
				row.Tenant, row.Controls = tenant, numbers
				rows = append(rows, row)
			}
		}
	}
	return rows, nil
}

func numbersOf(s *Standard) []string {
	numbers := make([]string, len(s.Controls))
	for i, c := range s.Controls {
		numbers[i] = c.Number
	}
	return numbers
}

// row is what a report would say, without making one.
func (b bound) row(scope index.Scope, attested []Attestation, now time.Time) store.ComplianceRow {
	counts := b.counts(scope)
	states := make([]byte, len(b.Controls))
	var n Counts
	for i, c := range b.Controls {
		state := b.state(i, latest(attested, b.ID, c.Number, now), counts)
		states[i] = letters[state]
		n.count(state)
	}
	return store.ComplianceRow{Standard: b.ID, Scope: scope.ID, At: now, States: string(states),
		Passed: int32(n.Passed), Failed: int32(n.Failed), Skipped: int32(n.Skipped), Unsupported: int32(n.Unsupported)}
}

// attested are all attestations of a tenant by folded scope.
func (r *Recorder) attested(ctx context.Context, tenant string) (map[string][]Attestation, error) {
	byScope := map[string][]Attestation{}
	err := r.records.view(ctx, func(tx *store.Tx) error {
		all, err := attestations(ctx, tx, tenant, "")
		for _, a := range all {
			byScope[a.scope] = append(byScope[a.scope], a)
		}
		return err
	})
	return byScope, err
}

// write stores rows, but for those of standards that were removed meanwhile.
func (r *Recorder) write(ctx context.Context, tenant string, rows []store.ComplianceRow) error {
	if len(rows) == 0 {
		return nil
	}
	return r.records.update(ctx, func(tx *store.Tx) error {
		kept, err := owns(ctx, tx, tenant)
		if err != nil {
			return err
		}
		there := func(row store.ComplianceRow) bool {
			is := func(s *Standard) bool { return s.ID == row.Standard }
			return slices.ContainsFunc(kept, is) || slices.ContainsFunc(r.records.builtIn, is) || strings.HasPrefix(row.Standard, initiativePrefix)
		}
		return tx.PutCompliance(ctx, slices.DeleteFunc(slices.Clone(rows), func(row store.ComplianceRow) bool { return !there(row) }))
	})
}
