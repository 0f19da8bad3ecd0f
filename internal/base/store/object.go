package store

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/rampart-sec/rampart/internal/base/arm"
)

// Object is an ARM control object: a policy definition, an assignment, an
// exemption, a plan, a saved view. ID is the full ARM id as it was written,
// Body the ARM JSON as it was put. ETag changes with every change of the body.
type Object struct {
	Tenant, Kind, ID, ETag string
	Body                   json.RawMessage
	CreatedAt, UpdatedAt   time.Time
	UpdatedBy              string
}

const objectColumns = `id, etag, body, created_at, updated_at, updated_by FROM objects WHERE tenant = $1 AND kind = $2 AND `

func scanObject(tenant, kind string) func(*sql.Rows) (Object, error) {
	return func(r *sql.Rows) (Object, error) {
		o := Object{Tenant: tenant, Kind: kind}
		var created, updated int64
		var body []byte
		err := r.Scan(&o.ID, &o.ETag, &body, &created, &updated, &o.UpdatedBy)
		if err == nil {
			body, err = decompress(nil, body)
		}
		o.Body, o.CreatedAt, o.UpdatedAt = body, fromMicros(created), fromMicros(updated)
		return o, err
	}
}

// PutObject writes o.Body under (o.Tenant, o.Kind, o.ID) and returns the
// object as stored. ifMatch "" writes in any case, "*" only over an existing
// one, anything else only over the one with that ETag; otherwise arm.Conflict.
// The same body again changes nothing. A change of KindObject is appended to
// the partition of the id.
func (tx *Tx) PutObject(ctx context.Context, o Object, ifMatch string) (Object, error) {
	old, err := tx.lockObject(ctx, o.Tenant, o.Kind, o.ID)
	if err != nil && !arm.IsNotFound(err) {
		return o, err
	}
	if !matches(old, ifMatch) {
		return o, arm.Conflict(o.ID)
	}
	if old != nil && bytes.Equal(old.Body, o.Body) {
		return *old, nil
	}
	return tx.writeObject(ctx, o, old)
}

func matches(old *Object, ifMatch string) bool {
	return ifMatch == "" || old != nil && (ifMatch == "*" || ifMatch == old.ETag)
}

// writeObject stores o over old (nil if there is none).
func (tx *Tx) writeObject(ctx context.Context, o Object, old *Object) (Object, error) {
	no, err := tx.tenantNo(ctx, o.Tenant)
	if err != nil {
		return o, err
	}
	part := objectPartition(o.ID)
	seq, err := tx.AppendChange(ctx, Change{Tenant: o.Tenant, Partition: part, Kind: KindObject, Key: o.Kind + " " + o.ID})
	if err != nil {
		return o, err
	}
	o.ETag = fmt.Sprintf("%02x-%x", part, seq) // a seq of a partition comes once
	o.UpdatedAt = fromMicros(micros(tx.at))
	o.CreatedAt = o.UpdatedAt
	if old != nil {
		o.CreatedAt = old.CreatedAt
	}
	_, err = tx.exec(ctx, `INSERT INTO objects (tenant, kind, id_key, id, etag, body, created_at, updated_at, updated_by)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (tenant, kind, id_key) DO UPDATE SET id = excluded.id, etag = excluded.etag,
		body = excluded.body, updated_at = excluded.updated_at, updated_by = excluded.updated_by`,
		no, o.Kind, arm.Fold(o.ID), o.ID, o.ETag, compress(o.Body), micros(o.CreatedAt), micros(o.UpdatedAt), o.UpdatedBy)
	if err != nil {
		return o, fmt.Errorf("put %s %s: %w", o.Kind, o.ID, err)
	}
	return o, nil
}

// objectPartition is that of the id's subscription; ids of another form (a
// user name, for instance) go with those above subscriptions.
func objectPartition(id string) int {
	parsed, _ := arm.ParseID(id) // the zero id if it is none
	return Partition(parsed)
}

// Object reads one object, whatever the case of id; arm.NotFound if there is
// none.
func (tx *Tx) Object(ctx context.Context, tenant, kind, id string) (*Object, error) {
	return tx.object(ctx, Object{Tenant: tenant, Kind: kind, ID: id}, "")
}

func (tx *Tx) lockObject(ctx context.Context, tenant, kind, id string) (*Object, error) {
	return tx.object(ctx, Object{Tenant: tenant, Kind: kind, ID: id}, tx.db.forUpdate())
}

func (tx *Tx) object(ctx context.Context, o Object, lock string) (*Object, error) {
	no, err := tx.tenantNo(ctx, o.Tenant)
	if err != nil {
		return nil, err
	}
	os, err := collect(ctx, tx, scanObject(o.Tenant, o.Kind), `SELECT `+objectColumns+`id_key = $3`+lock, no, o.Kind, arm.Fold(o.ID))
	if err != nil {
		return nil, fmt.Errorf("read %s %s: %w", o.Kind, o.ID, err)
	}
	if len(os) == 0 {
		return nil, arm.NotFound(o.ID)
	}
	return &os[0], nil
}

// DeleteObject removes one object; arm.NotFound if there is none. ifMatch is
// as for PutObject. A change of KindObjectDeleted is appended.
func (tx *Tx) DeleteObject(ctx context.Context, tenant, kind, id, ifMatch string) error {
	old, err := tx.lockObject(ctx, tenant, kind, id)
	if err != nil {
		return err
	}
	if !matches(old, ifMatch) {
		return arm.Conflict(id)
	}
	no, err := tx.tenantNo(ctx, tenant)
	if err != nil {
		return err
	}
	if _, err := tx.exec(ctx, `DELETE FROM objects WHERE tenant = $1 AND kind = $2 AND id_key = $3`, no, kind, arm.Fold(id)); err != nil {
		return fmt.Errorf("delete %s %s: %w", kind, id, err)
	}
	_, err = tx.AppendChange(ctx, Change{Tenant: tenant, Partition: objectPartition(id), Kind: KindObjectDeleted, Key: kind + " " + old.ID})
	return err
}

// ObjectQuery selects objects of one kind, ordered by folded id.
type ObjectQuery struct {
	Tenant, Kind string
	Prefix       string // of the id, in any case; "" is all
	After        string // continue after this id
	Limit        int    // 0 is all
}

// Objects reads a page of objects.
func (tx *Tx) Objects(ctx context.Context, q ObjectQuery) ([]Object, error) {
	no, err := tx.tenantNo(ctx, q.Tenant)
	if err != nil {
		return nil, err
	}
	prefix := arm.Fold(q.Prefix)
	where := `id_key > $3 AND id_key >= $4 AND id_key < $5 ORDER BY id_key`
	args := []any{no, q.Kind, arm.Fold(q.After), prefix, prefix + "\U0010ffff"}
	if q.Limit > 0 {
		where, args = where+` LIMIT $6`, append(args, q.Limit)
	}
	os, err := collect(ctx, tx, scanObject(q.Tenant, q.Kind), `SELECT `+objectColumns+where, args...)
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", q.Kind, err)
	}
	return os, nil
}

// ParseObjectKey splits the Key of a KindObject or KindObjectDeleted change.
func ParseObjectKey(key string) (kind, id string, err error) {
	kind, id, ok := strings.Cut(key, " ")
	if !ok {
		return "", "", errors.New("not the key of an object's change: " + key)
	}
	return kind, id, nil
}
