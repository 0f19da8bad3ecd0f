package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/rampart-sec/rampart/internal/base/arm"
)

// Grain says how far apart score rows older than Age are: of the rows of one
// scope and control, only the last of each Step (counted from 1970) and the very
// first stay. So what is read as of a time older than Age is how things stood at
// that time or less than a Step before; at the end of a step it is exact.
type Grain struct {
	Age, Step time.Duration
}

// Grains are what score rows are thinned to. A step is at most about a 350th of its
// age: a trend of 90 points over the age is four times as coarse. Each step
// divides the next. A scope and control that changes all the time has 290,000 rows in
// two years then, most of them of the last two days, instead of 63 million.
var Grains = []Grain{
	{2 * 24 * time.Hour, 5 * time.Minute},
	{30 * 24 * time.Hour, time.Hour},
	{365 * 24 * time.Hour, 24 * time.Hour},
}

// thinPace is how far time must have moved on before rows are thinned again:
// most scopes and controls have something to remove then.
const thinPace = time.Hour

// thinKeys bounds the scopes and controls that one transaction thins, thinRows the
// rows that it removes.
const (
	thinKeys = 1000
	thinRows = 1000
)

// thinning is how far a tenant's rows are thinned to a grain: all before Through;
// then, if To is set, up to To those of scopes and controls up to a key, and of the
// next key those before From. Times are microseconds.
type thinning struct {
	Through int64  `json:"through"`
	To      int64  `json:"to,omitempty"`
	Scope   string `json:"scope,omitempty"`
	Control string `json:"control,omitempty"`
	From    int64  `json:"from,omitempty"`
}

// setting is the name under which a grain's thinning is stored.
func (g Grain) setting() string { return fmt.Sprintf("scores.thinned.%v.%v", g.Age, g.Step) }

// thinScores thins score rows to grains, the finest first, of as many tenants as
// one transaction may.
func (tx *Tx) thinScores(ctx context.Context, keep Keep) (more bool, err error) {
	if len(keep.Scores) == 0 {
		return false, nil
	}
	tenants, err := tx.Tenants(ctx)
	if err != nil {
		return false, err
	}
	for _, t := range tenants {
		for _, g := range keep.Scores {
			if more, err = tx.thin(ctx, t.ID, g); more || err != nil {
				return more, err
			}
		}
	}
	return false, nil
}

// thin goes on with one grain of a tenant and reports whether it worked: then
// there may be more.
func (tx *Tx) thin(ctx context.Context, tenant string, g Grain) (worked bool, err error) {
	var state thinning
	if err := tx.Setting(ctx, tenant, g.setting(), &state); err != nil && !arm.IsNotFound(err) {
		return false, err
	}
	if state.To == 0 {
		old := tx.at.Add(-g.Age).UnixMicro()
		to := old - old%g.Step.Microseconds()
		if to-state.Through < thinPace.Microseconds() {
			return false, nil
		}
		state.To = to
	}
	no, err := tx.tenantNo(ctx, tenant)
	if err != nil {
		return false, err
	}
	if err := tx.thinSome(ctx, no, g, &state); err != nil {
		return false, fmt.Errorf("thin score rows: %w", err)
	}
	return true, tx.PutSetting(ctx, tenant, g.setting(), state)
}

// thinSome thins some scopes and controls and notes how far it came.
func (tx *Tx) thinSome(ctx context.Context, tenant int64, g Grain, state *thinning) error {
	removed := 0
	for range thinKeys {
		scope, control := state.Scope, state.Control
		err := tx.row(ctx, []any{&scope, &control}, `SELECT scope_key, control FROM scores
			WHERE tenant = $1 AND (scope_key, control) > ($2, $3) ORDER BY scope_key, control LIMIT 1`, tenant, scope, control)
		if errors.Is(err, sql.ErrNoRows) {
			*state = thinning{Through: state.To}
			return nil
		}
		if err != nil {
			return err
		}
		ats, err := collect(ctx, tx, func(r *sql.Rows) (at int64, err error) { return at, r.Scan(&at) },
			`SELECT s.at FROM (SELECT at, lead(at) OVER (ORDER BY at) AS after FROM scores
			WHERE tenant = $1 AND scope_key = $2 AND control = $3 AND at >= $4 AND at < $5) s WHERE s.after < s.at - s.at % $6 + $6
			AND s.at > (SELECT min(f.at) FROM scores f WHERE f.tenant = $1 AND f.scope_key = $2 AND f.control = $3)
			ORDER BY s.at LIMIT $7`, tenant, scope, control, max(state.Through, state.From), state.To, g.Step.Microseconds(), thinRows-removed)
		if err != nil {
			return err
		}
		// One by one: joined to its own rows, PostgreSQL without statistics goes
		// through all of them for each.
		for _, at := range ats {
			if _, err := tx.exec(ctx, `DELETE FROM scores WHERE tenant = $1 AND scope_key = $2 AND control = $3 AND at = $4`, tenant, scope, control, at); err != nil {
				return err
			}
		}
		if removed += len(ats); removed == thinRows {
			state.From = ats[len(ats)-1]
			return nil
		}
		state.Scope, state.Control, state.From = scope, control, 0
	}
	return nil
}
