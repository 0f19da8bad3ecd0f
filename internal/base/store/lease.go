package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/rampart-sec/rampart/internal/base/arm"
)

// Lease is the right to do one job, or to write one partition, until
// ExpiresAt. Epoch grows with every change of holder and fences late writers.
type Lease struct {
	Name      string
	Holder    string
	Epoch     uint64
	ExpiresAt time.Time
}

// TakeLease renews the holder's lease or takes one that is free or expired.
// If another holds it, that lease is returned and got is false.
func (tx *Tx) TakeLease(ctx context.Context, name, holder string, ttl time.Duration) (l Lease, got bool, err error) {
	_, err = tx.exec(ctx, `INSERT INTO leases (name, holder, epoch, expires_at) VALUES ($1, $2, 1, $3)
		ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at,
		epoch = leases.epoch + CASE WHEN leases.holder = excluded.holder AND leases.expires_at > $4 THEN 0 ELSE 1 END
		WHERE leases.holder = excluded.holder OR leases.expires_at <= $4`, name, holder, micros(tx.at.Add(ttl)), micros(tx.at))
	if err != nil {
		return l, false, fmt.Errorf("take lease %s: %w", name, err)
	}
	l, err = tx.lease(ctx, name)
	return l, err == nil && l.Holder == holder, err
}

func (tx *Tx) lease(ctx context.Context, name string) (Lease, error) {
	l := Lease{Name: name}
	var expires int64
	err := tx.row(ctx, []any{&l.Holder, &l.Epoch, &expires}, `SELECT holder, epoch, expires_at FROM leases WHERE name = $1`+tx.db.forUpdate(), name)
	l.ExpiresAt = fromMicros(expires)
	if errors.Is(err, sql.ErrNoRows) {
		return l, arm.NotFound(name)
	}
	return l, err
}

// CheckLease fails with an arm.Error of status 409 unless the lease still has
// the epoch. Call it in the transaction that the lease protects: the lease's
// row stays locked until the commit.
func (tx *Tx) CheckLease(ctx context.Context, name string, epoch uint64) error {
	l, err := tx.lease(ctx, name)
	if err != nil {
		return fmt.Errorf("check lease %s: %w", name, err)
	}
	if l.Epoch != epoch {
		return &arm.Error{Status: http.StatusConflict, Code: "LeaseLost", Target: name,
			Message: fmt.Sprintf("The lease was taken over by %q.", l.Holder)}
	}
	return nil
}

// ReleaseLease lets the lease expire now if the holder still has it.
func (tx *Tx) ReleaseLease(ctx context.Context, name, holder string) error {
	_, err := tx.exec(ctx, `UPDATE leases SET expires_at = $3 WHERE name = $1 AND holder = $2 AND expires_at > $3`, name, holder, micros(tx.at))
	if err != nil {
		return fmt.Errorf("release lease %s: %w", name, err)
	}
	return nil
}
