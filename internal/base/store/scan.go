package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/rampart-sec/rampart/internal/base/arm"
)

// ScanRange selects the documents of a tenant with From <= handle <= To, of the
// given resource types if there are any (case does not matter).
type ScanRange struct {
	Tenant   string
	From, To uint32
	Types    []string
}

// ScanResources calls fn for each document of the range by ascending handle
// and stops at fn's first error, which it returns. The Resource and all it
// points to are only valid during the call, strings excepted. Several ranges may
// be scanned at once, each on its own connection and snapshot.
func (db *DB) ScanResources(ctx context.Context, s ScanRange, fn func(*Resource) error) error {
	return db.View(ctx, func(tx *Tx) error { return tx.scan(ctx, s, fn) })
}

func (tx *Tx) scan(ctx context.Context, s ScanRange, fn func(*Resource) error) error {
	no, err := tx.tenantNo(ctx, s.Tenant)
	if err != nil {
		return err
	}
	where, args := s.where(no)
	rows, err := tx.query(ctx, `SELECT `+resourceColumns+where+` ORDER BY r.handle`, args...)
	if err != nil {
		return fmt.Errorf("scan resources: %w", err)
	}
	defer rows.Close()
	var r Resource
	var w resourceRow
	var buf []byte
	var body, states sql.RawBytes // not copied: they live as long as the call
	dest := w.dest(&r, &body, &states)
	for rows.Next() {
		if err := rows.Scan(dest...); err != nil {
			return fmt.Errorf("scan resources: %w", err)
		}
		w.body, w.states = body, states
		if err := w.fill(&r, s.Tenant, buf); err != nil {
			return fmt.Errorf("scan %s: %w", r.Doc.ID, err)
		}
		if len(w.body) > 0 && len(r.Doc.Body) > 0 && &w.body[0] != &r.Doc.Body[0] {
			buf = r.Doc.Body // the decompressed body's room serves the next
		}
		if err := fn(&r); err != nil {
			return err
		}
	}
	return tx.fail(rows.Err())
}

// where selects the range.
func (s *ScanRange) where(tenant int64) (cond string, args []any) {
	cond = `r.handle >= $1 AND r.handle <= $2 AND r.tenant = $3 AND r.deleted_at = 0`
	args = []any{int64(s.From), int64(s.To), tenant}
	if len(s.Types) == 0 {
		return cond, args
	}
	list := ""
	for _, t := range s.Types {
		args = append(args, arm.Fold(t))
		list += fmt.Sprintf(", $%d", len(args))
	}
	return cond + ` AND lower(r.type) IN (` + list[2:] + `)`, args
}
