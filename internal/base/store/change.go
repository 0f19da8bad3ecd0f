package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// Kinds of changes. A reader skips kinds it does not know.
const (
	KindResource        = "resource"         // created or updated; Handle and Key (the id)
	KindResourceSeen    = "resource-seen"    // unchanged but observed again: only its ObservedAt moved
	KindResourceDeleted = "resource-deleted" // Handle and Key as they were
	KindObject          = "object"           // Key is kind, a space, the id
	KindObjectDeleted   = "object-deleted"
	KindAlert           = "alert"  // raised or changed; Key is its id
	KindTenant          = "tenant" // Key is the tenant's id; in partition 0 of the default tenant
	KindTenantDeleted   = "tenant-deleted"
)

// Change is one entry of the feed. Seq counts from 1 without gaps within
// (Tenant, Partition), in the order of the commits.
type Change struct {
	Tenant    string
	Partition int
	Seq       uint64
	Kind      string
	Key       string
	Handle    uint32
	At        time.Time
	Payload   []byte
}

// AppendChange adds one entry to the feed of c.Tenant and c.Partition and
// returns its seq. The partition stays locked until the transaction ends.
func (tx *Tx) AppendChange(ctx context.Context, c Change) (uint64, error) {
	return tx.appendChanges(ctx, c.Tenant, c.Partition, []Change{c})
}

// LockPartition keeps every other writer of the partition waiting until the
// transaction ends, so that what is read after it stays true. Take it before
// anything of the partition is read or locked.
func (tx *Tx) LockPartition(ctx context.Context, tenant string, part int) error {
	no, err := tx.tenantNo(ctx, tenant)
	if err != nil {
		return err
	}
	_, err = tx.exec(ctx, `INSERT INTO partitions (tenant, part, seq) VALUES ($1, $2, 0)
		ON CONFLICT (tenant, part) DO UPDATE SET seq = partitions.seq`, no, part)
	if err != nil {
		return fmt.Errorf("lock partition %d: %w", part, err)
	}
	return nil
}

// appendChanges writes the entries as one row and returns the last seq.
func (tx *Tx) appendChanges(ctx context.Context, tenant string, part int, cs []Change) (uint64, error) {
	no, err := tx.tenantNo(ctx, tenant)
	if err != nil {
		return 0, err
	}
	var last int64
	err = tx.row(ctx, []any{&last}, `INSERT INTO partitions (tenant, part, seq) VALUES ($1, $2, $3)
		ON CONFLICT (tenant, part) DO UPDATE SET seq = partitions.seq + excluded.seq RETURNING seq`, no, part, len(cs))
	if err != nil {
		return 0, fmt.Errorf("number changes: %w", err)
	}
	_, err = tx.exec(ctx, `INSERT INTO changes (tenant, part, last_seq, first_seq, at, packed) VALUES ($1, $2, $3, $4, $5, $6)`,
		no, part, last, last-int64(len(cs))+1, micros(tx.at), packChanges(cs))
	if err != nil {
		return 0, fmt.Errorf("append changes: %w", err)
	}
	tx.changed = true
	return uint64(last), nil
}

// Changes reads up to limit entries of one partition after seq after, in
// order. Fewer than limit means the end of the feed was reached. A first seq
// beyond after+1 means that Sweep has forgotten what is between: a reader
// without a stored position then starts over from the rows.
func (db *DB) Changes(ctx context.Context, tenant string, partition int, after uint64, limit int) ([]Change, error) {
	var all []Change
	err := db.View(ctx, func(tx *Tx) error {
		var err error
		all, err = tx.Changes(ctx, tenant, partition, after, limit)
		return err
	})
	return all, err
}

// Changes is DB.Changes as the transaction sees the feed.
func (tx *Tx) Changes(ctx context.Context, tenant string, partition int, after uint64, limit int) ([]Change, error) {
	no, err := tx.tenantNo(ctx, tenant)
	if err != nil {
		return nil, err
	}
	rows, err := tx.query(ctx, `SELECT first_seq, at, packed FROM changes
		WHERE tenant = $1 AND part = $2 AND last_seq > $3 ORDER BY last_seq LIMIT $4`, no, partition, int64(after), limit)
	if err != nil {
		return nil, fmt.Errorf("read changes: %w", err)
	}
	defer rows.Close()
	var all []Change
	for rows.Next() && len(all) < limit {
		if all, err = scanChanges(rows, all); err != nil {
			return nil, err
		}
		for len(all) > 0 && all[0].Seq <= after {
			all = all[1:]
		}
	}
	if err := tx.fail(rows.Err()); err != nil {
		return nil, fmt.Errorf("read changes: %w", err)
	}
	all = all[:min(len(all), limit)]
	for i := range all {
		all[i].Tenant, all[i].Partition = tenant, partition
	}
	return all, nil
}

func scanChanges(rows *sql.Rows, all []Change) ([]Change, error) {
	var first, at int64
	var packed []byte
	if err := rows.Scan(&first, &at, &packed); err != nil {
		return nil, err
	}
	n := len(all)
	all, err := unpackChanges(all, packed)
	if err != nil {
		return nil, fmt.Errorf("changes from %d on: %w", first, err)
	}
	for i := n; i < len(all); i++ {
		all[i].Seq, all[i].At = uint64(first)+uint64(i-n), fromMicros(at)
	}
	return all, nil
}

// ChangedPartitions lists the partitions of the tenant whose feed goes beyond
// the given positions; a partition that is not in the map counts from 0.
func (db *DB) ChangedPartitions(ctx context.Context, tenant string, positions map[int]uint64) ([]int, error) {
	var changed []int
	err := db.View(ctx, func(tx *Tx) error {
		heads, err := tx.Heads(ctx, tenant)
		for part := range Partitions {
			if heads[part] > positions[part] {
				changed = append(changed, part)
			}
		}
		return err
	})
	return changed, err
}

// Heads gives the last seq of every partition that has changes.
func (tx *Tx) Heads(ctx context.Context, tenant string) (map[int]uint64, error) {
	no, err := tx.tenantNo(ctx, tenant)
	if err != nil {
		return nil, err
	}
	heads := map[int]uint64{}
	_, err = collect(ctx, tx, func(r *sql.Rows) (struct{}, error) {
		var part int
		var seq int64
		err := r.Scan(&part, &seq)
		heads[part] = uint64(seq)
		return struct{}{}, err
	}, `SELECT part, seq FROM partitions WHERE tenant = $1`, no)
	return heads, err
}
