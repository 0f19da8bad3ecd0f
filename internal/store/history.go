package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// HistoryBlock says which of 65,536 handles (Block*65536 on) entered State of
// a recommendation at At. Bits is the writer's encoding.
type HistoryBlock struct {
	Tenant         string
	Recommendation string
	Block          uint32
	State          uint8
	Seq            uint64 // orders blocks of a tenant
	At             time.Time
	Bits           []byte
}

// PutHistory writes blocks; the same (recommendation, block, state, seq) again
// replaces the block.
func (tx *Tx) PutHistory(ctx context.Context, blocks []HistoryBlock) error {
	for i := range blocks {
		b := &blocks[i]
		no, err := tx.tenantNo(ctx, b.Tenant)
		if err != nil {
			return err
		}
		_, err = tx.exec(ctx, `INSERT INTO history (tenant, recommendation, block, state, seq, at, bits) VALUES ($1, $2, $3, $4, $5, $6, $7)
			ON CONFLICT (tenant, recommendation, block, state, seq) DO UPDATE SET at = excluded.at, bits = excluded.bits`,
			no, b.Recommendation, int64(b.Block), int64(b.State), int64(b.Seq), micros(b.At), b.Bits)
		if err != nil {
			return fmt.Errorf("put history: %w", err)
		}
	}
	return nil
}

// HistoryQuery selects history blocks of a tenant.
type HistoryQuery struct {
	Tenant         string
	Recommendation string    // "" is all
	After          uint64    // seq above this
	From, To       time.Time // both included; a zero bound is open
	Limit          int       // 0 is all
}

// History reads blocks ordered by seq.
func (tx *Tx) History(ctx context.Context, q HistoryQuery) ([]HistoryBlock, error) {
	no, err := tx.tenantNo(ctx, q.Tenant)
	if err != nil {
		return nil, err
	}
	where := `tenant = $1 AND seq > $2 AND at >= $3 AND at <= $4`
	args := []any{no, int64(q.After), lowerBound(q.From), upperBound(q.To)}
	if q.Recommendation != "" {
		args = append(args, q.Recommendation)
		where += fmt.Sprintf(` AND recommendation = $%d`, len(args))
	}
	where += ` ORDER BY seq, recommendation, block, state`
	if q.Limit > 0 {
		args = append(args, q.Limit)
		where += fmt.Sprintf(` LIMIT $%d`, len(args))
	}
	blocks, err := collect(ctx, tx, func(r *sql.Rows) (HistoryBlock, error) {
		b := HistoryBlock{Tenant: q.Tenant}
		var at int64
		err := r.Scan(&b.Recommendation, &b.Block, &b.State, &b.Seq, &at, &b.Bits)
		b.At = fromMicros(at)
		return b, err
	}, `SELECT recommendation, block, state, seq, at, bits FROM history WHERE `+where, args...)
	if err != nil {
		return nil, fmt.Errorf("read history: %w", err)
	}
	return blocks, nil
}
