package store

import (
	"context"
	"database/sql"
	_ "embed" // migrations
	"errors"
	"fmt"
	"time"
)

//go:embed migrations/0004_moves.sql
var movesSchema string

//go:embed migrations/0005_moves_only.sql
var movesOnly string

// Moves says what became of resources in the judge's transactions First..Seq.
type Moves struct {
	Tenant     string
	First, Seq uint64
	Part       uint32    // orders rows of one Seq
	From, To   time.Time // the earliest and the latest of the transactions' times
	Entries    int
	Sealed     bool   // full: it is not joined with later ones
	Packed     []byte // the writer's encoding; must not begin with 0xff
}

// PutMoves writes rows; the same (seq, part) again replaces the row.
func (tx *Tx) PutMoves(ctx context.Context, rows []Moves) error {
	for i := range rows {
		m := &rows[i]
		no, err := tx.tenantNo(ctx, m.Tenant)
		if err != nil {
			return err
		}
		sealed := 0
		if m.Sealed {
			sealed = 1
		}
		_, err = tx.exec(ctx, `INSERT INTO moves (tenant, last_seq, part, first_seq, first_at, last_at, entries, sealed, packed)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (tenant, last_seq, part) DO UPDATE SET first_seq = excluded.first_seq,
			first_at = excluded.first_at, last_at = excluded.last_at, entries = excluded.entries, sealed = excluded.sealed, packed = excluded.packed`,
			no, int64(m.Seq), int64(m.Part), int64(m.First), micros(m.From), micros(m.To), m.Entries, sealed, compress(m.Packed))
		if err != nil {
			return fmt.Errorf("put moves: %w", err)
		}
	}
	return nil
}

// MovesQuery selects moves of a tenant.
type MovesQuery struct {
	Tenant  string
	After   uint64    // seq above this
	Through uint64    // seq up to this; 0: all
	Until   time.Time // rows that begin at or before it; zero: all
	Loose   bool      // only rows that are not sealed
	// Want, if set, is asked about every row before it is unpacked; it may keep
	// nothing of it. A row that is not wanted is passed over.
	Want func(*Moves) bool
}

// EachMoves calls fn for each row by ascending seq and part, and stops at fn's
// first error, which it returns. The row and its bytes are valid during the call.
func (tx *Tx) EachMoves(ctx context.Context, q MovesQuery, fn func(*Moves) error) error {
	no, err := tx.tenantNo(ctx, q.Tenant)
	if err != nil {
		return err
	}
	where := `tenant = $1 AND last_seq > $2 AND first_at <= $3`
	args := []any{no, int64(q.After), upperBound(q.Until)}
	if q.Through > 0 {
		args = append(args, int64(q.Through))
		where += ` AND last_seq <= $4`
	}
	if q.Loose {
		where += ` AND sealed = 0`
	}
	rows, err := tx.query(ctx, `SELECT first_seq, last_seq, part, first_at, last_at, entries, sealed, packed FROM moves WHERE `+where+` ORDER BY last_seq, part`, args...)
	if err != nil {
		return fmt.Errorf("read moves: %w", err)
	}
	defer rows.Close()
	m := Moves{Tenant: q.Tenant}
	var packed sql.RawBytes
	var room []byte // of one row serves the next
	for rows.Next() {
		var from, to int64
		if err := rows.Scan(&m.First, &m.Seq, &m.Part, &from, &to, &m.Entries, &m.Sealed, &packed); err != nil {
			return fmt.Errorf("read moves: %w", err)
		}
		m.From, m.To, m.Packed = fromMicros(from), fromMicros(to), nil
		if q.Want != nil && !q.Want(&m) {
			continue
		}
		if m.Packed, err = decompressInto(&room, packed); err != nil {
			return fmt.Errorf("read moves: %w", err)
		}
		if err := fn(&m); err != nil {
			return err
		}
	}
	return tx.fail(rows.Err())
}

// JoinMoves replaces rows by others that hold the same. It fails, and with it
// the transaction, if one of the rows is gone: somebody else has joined them.
func (tx *Tx) JoinMoves(ctx context.Context, old, joined []Moves) error {
	for i := range old {
		m := &old[i]
		no, err := tx.tenantNo(ctx, m.Tenant)
		if err != nil {
			return err
		}
		n, err := tx.exec(ctx, `DELETE FROM moves WHERE tenant = $1 AND last_seq = $2 AND part = $3 AND first_seq = $4 AND entries = $5`,
			no, int64(m.Seq), int64(m.Part), int64(m.First), m.Entries)
		if err != nil {
			return fmt.Errorf("join moves: %w", err)
		}
		if n != 1 {
			return tx.fail(fmt.Errorf("join moves: row %d.%d is not as it was", m.Seq, m.Part))
		}
	}
	return tx.PutMoves(ctx, joined)
}

// LooseMoves is the number of rows that are not sealed.
func (tx *Tx) LooseMoves(ctx context.Context, tenant string) (n int, err error) {
	no, err := tx.tenantNo(ctx, tenant)
	if err != nil {
		return 0, err
	}
	err = tx.row(ctx, []any{&n}, `SELECT count(*) FROM moves WHERE tenant = $1 AND sealed = 0`, no)
	return n, err
}

// SealedMoves says how far moves are sealed: to which seq, of which time, and how
// many bytes there are after a seq. No row up to there is loose.
func (tx *Tx) SealedMoves(ctx context.Context, tenant string, after uint64) (seq uint64, at time.Time, size int64, err error) {
	no, err := tx.tenantNo(ctx, tenant)
	if err != nil {
		return 0, at, 0, err
	}
	const sealed = ` FROM moves WHERE tenant = $1 AND last_seq > $2 AND sealed = 1
		AND last_seq < coalesce((SELECT min(l.first_seq) FROM moves l WHERE l.tenant = $1 AND l.sealed = 0), $3)`
	args := []any{no, int64(after), int64(1) << 62}
	var last int64
	err = tx.row(ctx, []any{&seq, &last}, `SELECT last_seq, last_at`+sealed+` ORDER BY last_seq DESC, part DESC LIMIT 1`, args...)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, at, 0, nil
	}
	if err == nil {
		err = tx.row(ctx, []any{&size}, `SELECT sum(length(packed))`+sealed, args...)
	}
	if err != nil {
		return 0, at, 0, fmt.Errorf("read moves: %w", err)
	}
	return seq, fromMicros(last), size, nil
}
