package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// Frame is the whole estate as it was after the judge's transaction Seq, from
// which moves are read on. Its blocks are written before it.
type Frame struct {
	Tenant string
	Seq    uint64
	At     time.Time
	Size   int64 // bytes of its blocks
}

// FrameBlock holds 65,536 handles (Block*65536 on) of a frame, in the writer's
// encoding; neither part may begin with 0xff. Tags are apart because few ask
// for them.
type FrameBlock struct {
	Block         uint32
	Stances, Tags []byte
}

// PutFrameBlock writes a block of a frame that is yet to be put and returns its
// size as stored.
func (tx *Tx) PutFrameBlock(ctx context.Context, tenant string, seq uint64, b FrameBlock) (size int64, err error) {
	no, err := tx.tenantNo(ctx, tenant)
	if err != nil {
		return 0, err
	}
	stances, tags := compress(b.Stances), compress(b.Tags)
	_, err = tx.exec(ctx, `INSERT INTO frame_blocks (tenant, seq, block, stances, tags) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (tenant, seq, block) DO UPDATE SET stances = excluded.stances, tags = excluded.tags`,
		no, int64(seq), int64(b.Block), stances, tags)
	if err != nil {
		return 0, fmt.Errorf("put frame: %w", err)
	}
	return int64(len(stances) + len(tags)), nil
}

// PutFrame makes the blocks that were written under its seq count, and forgets
// blocks of frames before it that were never put.
func (tx *Tx) PutFrame(ctx context.Context, f Frame) error {
	no, err := tx.tenantNo(ctx, f.Tenant)
	if err != nil {
		return err
	}
	_, err = tx.exec(ctx, `INSERT INTO frames (tenant, seq, at, size) VALUES ($1, $2, $3, $4)
		ON CONFLICT (tenant, seq) DO UPDATE SET at = excluded.at, size = excluded.size`, no, int64(f.Seq), micros(f.At), f.Size)
	if err == nil {
		_, err = tx.exec(ctx, `DELETE FROM frame_blocks WHERE tenant = $1 AND seq < $2
			AND NOT EXISTS (SELECT 1 FROM frames f WHERE f.tenant = frame_blocks.tenant AND f.seq = frame_blocks.seq)`, no, int64(f.Seq))
	}
	if err != nil {
		return fmt.Errorf("put frame: %w", err)
	}
	return nil
}

// Frame is the latest frame at or before a time, of all if the time is zero. If
// there is none, it is the first one if moves before that were swept: the past
// begins with it. One with Seq 0 says that all moves must be read.
func (tx *Tx) Frame(ctx context.Context, tenant string, at time.Time) (Frame, error) {
	no, err := tx.tenantNo(ctx, tenant)
	if err != nil {
		return Frame{}, err
	}
	f, err := tx.frame(ctx, tenant, `tenant = $1 AND at <= $2 ORDER BY seq DESC`, no, upperBound(at))
	if err != nil || f.Seq > 0 {
		return f, err
	}
	return tx.frame(ctx, tenant, `tenant = $1 AND NOT EXISTS (SELECT 1 FROM moves m WHERE m.tenant = $1 AND m.last_seq <= frames.seq) ORDER BY seq`, no)
}

func (tx *Tx) frame(ctx context.Context, tenant, where string, args ...any) (Frame, error) {
	f := Frame{Tenant: tenant}
	var at int64
	err := tx.row(ctx, []any{&f.Seq, &at, &f.Size}, `SELECT seq, at, size FROM frames WHERE `+where+` LIMIT 1`, args...)
	if errors.Is(err, sql.ErrNoRows) {
		return f, nil
	}
	if err != nil {
		return f, fmt.Errorf("read frame: %w", err)
	}
	f.At = fromMicros(at)
	return f, nil
}

// EachFrameBlock calls fn for each block of a frame in order and stops at its
// first error, which it returns. Tags are read only if they are asked for. The
// block is valid during the call.
func (tx *Tx) EachFrameBlock(ctx context.Context, f Frame, tags bool, fn func(*FrameBlock) error) error {
	no, err := tx.tenantNo(ctx, f.Tenant)
	if err != nil {
		return err
	}
	columns := `block, stances`
	if tags {
		columns += `, tags`
	}
	rows, err := tx.query(ctx, `SELECT `+columns+` FROM frame_blocks WHERE tenant = $1 AND seq = $2 ORDER BY block`, no, int64(f.Seq))
	if err != nil {
		return fmt.Errorf("read frame: %w", err)
	}
	defer rows.Close()
	var stances, tagged sql.RawBytes
	var room [2][]byte // of one block serves the next
	var block uint32
	dest := []any{&block, &stances}
	if tags {
		dest = append(dest, &tagged)
	}
	for rows.Next() {
		if err := rows.Scan(dest...); err != nil {
			return fmt.Errorf("read frame: %w", err)
		}
		b := FrameBlock{Block: block}
		if b.Stances, err = decompressInto(&room[0], stances); err != nil {
			return fmt.Errorf("read frame: %w", err)
		}
		if b.Tags, err = decompressInto(&room[1], tagged); err != nil {
			return fmt.Errorf("read frame: %w", err)
		}
		if err := fn(&b); err != nil {
			return err
		}
	}
	return tx.fail(rows.Err())
}
