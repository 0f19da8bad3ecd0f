package store

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/wire"
)

// Resource is a stored document. Handle stands for it in indexes and is never
// given to another resource.
type Resource struct {
	Handle uint32
	Doc    wire.Document
	// States is what SetStates stored last, nil if nothing.
	States    []byte
	StatesSeq uint64
	// UpdatedAt is when the document last changed here.
	UpdatedAt time.Time
}

// resourceColumns are read by scanResource in this order.
const resourceColumns = `r.handle, r.id, r.type, r.api_version, r.source, r.source_version, r.observed_at, r.updated_at,
	r.unavailable, r.body, m.source_version, m.observed_at, m.states_seq, m.states
	FROM resources r LEFT JOIN marks m ON m.handle = r.handle WHERE `

// resourceRow is a row of resourceColumns as the engine gives it.
type resourceRow struct {
	handle, version, observed, updated  int64
	unavailable                         string
	body, states                        []byte
	markVersion, markObserved, stateSeq sql.NullInt64
}

// dest are the places to scan a row into; body and states are those of w, or
// others from which they are set.
func (w *resourceRow) dest(r *Resource, body, states any) []any {
	return []any{&w.handle, &r.Doc.ID, &r.Doc.Type, &r.Doc.APIVersion, &r.Doc.Source, &w.version, &w.observed, &w.updated,
		&w.unavailable, body, &w.markVersion, &w.markObserved, &w.stateSeq, states}
}

// fill completes r; buf is room for the body or nil.
func (w *resourceRow) fill(r *Resource, tenant string, buf []byte) error {
	r.Handle, r.UpdatedAt = uint32(w.handle), fromMicros(w.updated)
	r.States, r.StatesSeq = w.states, uint64(w.stateSeq.Int64)
	seen := seen{w.version, w.observed}.marked(w.markVersion, w.markObserved)
	r.Doc.Tenant, r.Doc.SourceVersion, r.Doc.ObservedAt = tenant, seen.version, fromMicros(seen.at)
	r.Doc.Unavailable = nil
	if w.unavailable != "" {
		r.Doc.Unavailable = strings.Split(w.unavailable, "\n")
	}
	body, err := decompress(buf, w.body)
	r.Doc.Body = body
	return err
}

// seen is when a source delivered a document, by its own count and clock.
type seen struct{ version, at int64 }

func (a seen) compare(b seen) int {
	return cmp.Or(cmp.Compare(a.version, b.version), cmp.Compare(a.at, b.at))
}

// marked is a, or what the document's mark says if that is later.
func (a seen) marked(version, at sql.NullInt64) seen {
	if b := (seen{version.Int64, at.Int64}); at.Valid && a.compare(b) < 0 {
		return b
	}
	return a
}

func (tx *Tx) resources(ctx context.Context, tenant, where string, args ...any) ([]Resource, error) {
	return collect(ctx, tx, func(rows *sql.Rows) (Resource, error) {
		var r Resource
		var w resourceRow
		if err := rows.Scan(w.dest(&r, &w.body, &w.states)...); err != nil {
			return r, err
		}
		return r, w.fill(&r, tenant, nil)
	}, `SELECT `+resourceColumns+where, args...)
}

// Resource reads the document of an id, whatever its case; arm.NotFound if
// there is none.
func (tx *Tx) Resource(ctx context.Context, tenant, id string) (*Resource, error) {
	no, err := tx.tenantNo(ctx, tenant)
	if err != nil {
		return nil, err
	}
	parsed, err := parseID(id)
	if err != nil {
		return nil, err
	}
	k := keyOf(parsed)
	rs, err := tx.resources(ctx, tenant, `r.tenant = $1 AND r.id_key = $2 AND r.deleted_at = 0`, no, k[:])
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", id, err)
	}
	if len(rs) == 0 {
		return nil, arm.NotFound(parsed.String())
	}
	if arm.Fold(rs[0].Doc.ID) != parsed.Key() {
		return nil, collision(rs[0].Doc.ID, id)
	}
	return &rs[0], nil
}

// ResourceByHandle reads one document; arm.NotFound if it is gone.
func (tx *Tx) ResourceByHandle(ctx context.Context, h uint32) (*Resource, error) {
	rs, err := tx.ResourcesByHandle(ctx, []uint32{h})
	if err != nil {
		return nil, err
	}
	if len(rs) == 0 {
		return nil, arm.NotFound(fmt.Sprintf("handle %d", h))
	}
	return &rs[0], nil
}

// ResourcesByHandle reads the documents that exist among the handles, ordered
// by handle.
func (tx *Tx) ResourcesByHandle(ctx context.Context, hs []uint32) ([]Resource, error) {
	hs = slices.Compact(slices.Sorted(slices.Values(hs)))
	var all []Resource
	for chunk := range slices.Chunk(hs, lookupChunk) {
		in, args := tx.db.inHandles(padHandles(chunk))
		rs, err := tx.resourcesWithTenant(ctx, `r.deleted_at = 0 AND r.handle `+in+` ORDER BY r.handle`, args...)
		if err != nil {
			return nil, fmt.Errorf("read resources by handle: %w", err)
		}
		all = append(all, rs...)
	}
	return all, nil
}

// resourcesWithTenant is resources for a selection that may span tenants.
func (tx *Tx) resourcesWithTenant(ctx context.Context, where string, args ...any) ([]Resource, error) {
	q := `SELECT (SELECT t.id FROM tenants t WHERE t.no = r.tenant), ` + resourceColumns + where
	return collect(ctx, tx, func(rows *sql.Rows) (Resource, error) {
		var r Resource
		var w resourceRow
		var tenant string
		if err := rows.Scan(append([]any{&tenant}, w.dest(&r, &w.body, &w.states)...)...); err != nil {
			return r, err
		}
		return r, w.fill(&r, tenant, nil)
	}, q, args...)
}

// Children reads the documents directly below id (its parent is id), ordered
// by handle. A resource group's children are the resources in it.
func (tx *Tx) Children(ctx context.Context, tenant, id string) ([]Resource, error) {
	no, err := tx.tenantNo(ctx, tenant)
	if err != nil {
		return nil, err
	}
	parent, err := parseID(id)
	if err != nil {
		return nil, err
	}
	from := parentKey(parent)
	to := append(slices.Clone(from), bytes.Repeat([]byte{0xff}, keySize-parentKeySize)...)
	rs, err := tx.resources(ctx, tenant, `r.tenant = $1 AND r.id_key >= $2 AND r.id_key <= $3 AND r.deleted_at = 0 ORDER BY r.handle`, no, from, to)
	if err != nil {
		return nil, fmt.Errorf("read children of %s: %w", id, err)
	}
	return slices.DeleteFunc(rs, func(r Resource) bool { return !isChildOf(r.Doc.ID, parent) }), nil
}

// isChildOf drops the strangers whose parent only shares the hash.
func isChildOf(id string, parent arm.ID) bool {
	c, err := arm.ParseID(id)
	if err != nil {
		return false
	}
	p, ok := c.Parent()
	return ok && p.Equal(parent)
}

// DeleteResource removes the document of an id and leaves a tombstone for
// TombstoneAge, so that an older delivery does not bring it back. source must
// own the document; "" deletes whoever owns it.
func (tx *Tx) DeleteResource(ctx context.Context, tenant, id, source string) error {
	parsed, err := parseID(id)
	if err != nil {
		return err
	}
	r, err := tx.Resource(ctx, tenant, id)
	if err != nil {
		return err
	}
	if source != "" && source != r.Doc.Source {
		return foreign(r.Doc.ID, r.Doc.Source)
	}
	doc := wire.Document{ID: r.Doc.ID, Type: r.Doc.Type, Source: r.Doc.Source, SourceVersion: r.Doc.SourceVersion, ObservedAt: tx.at, Deleted: true}
	if r.Doc.ObservedAt.After(tx.at) {
		doc.ObservedAt = r.Doc.ObservedAt
	}
	_, err = tx.PutPrepared(ctx, tenant, []Prepared{prepare(doc, parsed)})
	return err
}

func foreign(id, owner string) error {
	return &arm.Error{Status: 409, Code: "OwnedByAnotherSource", Target: id,
		Message: fmt.Sprintf("It belongs to source %q; only that source may change or remove it.", owner)}
}

// StatesRow is the packed states of one resource as of seq.
type StatesRow struct {
	Handle uint32
	Packed []byte
	Seq    uint64
}

// SetStates stores packed states behind the documents. Rows whose stored seq
// is newer are left alone, so late writers do no harm.
func (tx *Tx) SetStates(ctx context.Context, rows []StatesRow) error {
	for some := range slices.Chunk(rows, statesTogether) {
		if len(some) == statesTogether && ascend(some) {
			if err := tx.setStates(ctx, setManyStates, some); err != nil {
				return err
			}
			continue
		}
		for i := range some {
			if err := tx.setStates(ctx, setOneState, some[i:i+1]); err != nil {
				return err
			}
		}
	}
	return nil
}

// statesTogether are stored by one statement: with one for each, most of the time
// goes into what is around it.
const statesTogether = 64

var setOneState, setManyStates = setStates(1), setStates(statesTogether)

// setStates is the statement that stores the states of n different resources.
func setStates(n int) string {
	var values strings.Builder
	for i := range n {
		if i > 0 {
			values.WriteString(", ")
		}
		fmt.Fprintf(&values, "($%d, $%d, $%d)", 3*i+1, 3*i+2, 3*i+3)
	}
	return `INSERT INTO marks (handle, states_seq, states) VALUES ` + values.String() + `
		ON CONFLICT (handle) DO UPDATE SET states_seq = excluded.states_seq, states = excluded.states
		WHERE marks.states_seq IS NULL OR marks.states_seq <= excluded.states_seq`
}

func (tx *Tx) setStates(ctx context.Context, statement string, rows []StatesRow) error {
	args := make([]any, 0, 3*len(rows))
	for i := range rows {
		args = append(args, int64(rows[i].Handle), int64(rows[i].Seq), rows[i].Packed)
	}
	if _, err := tx.exec(ctx, statement, args...); err != nil {
		return fmt.Errorf("set states of resource %d and those after it: %w", rows[0].Handle, err)
	}
	return nil
}

// ascend reports whether no two rows are of one resource, seen from their order.
func ascend(rows []StatesRow) bool {
	for i := 1; i < len(rows); i++ {
		if rows[i-1].Handle >= rows[i].Handle {
			return false
		}
	}
	return true
}

// HandleRange gives the smallest and largest handle of a tenant and how many
// documents it has, those deleted in the last TombstoneAge included. All are 0
// for a tenant without documents.
func (db *DB) HandleRange(ctx context.Context, tenant string) (lowest, highest uint32, n int, err error) {
	err = db.View(ctx, func(tx *Tx) error {
		no, err := tx.tenantNo(ctx, tenant)
		if err != nil {
			return err
		}
		var lo, hi sql.NullInt64
		err = tx.row(ctx, []any{&lo, &hi, &n}, `SELECT min(handle), max(handle), count(*) FROM resources WHERE tenant = $1`, no)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return fmt.Errorf("read handle range: %w", err)
		}
		lowest, highest = uint32(lo.Int64), uint32(hi.Int64)
		return nil
	})
	return lowest, highest, n, err
}
