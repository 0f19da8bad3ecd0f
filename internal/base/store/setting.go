package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/rampart-sec/rampart/internal/base/arm"
)

// Setting reads one named JSON value of a tenant into v; arm.NotFound if it
// was never put.
func (tx *Tx) Setting(ctx context.Context, tenant, name string, v any) error {
	no, err := tx.tenantNo(ctx, tenant)
	if err != nil {
		return err
	}
	var body []byte
	err = tx.row(ctx, []any{&body}, `SELECT body FROM settings WHERE tenant = $1 AND name = $2`, no, name)
	if errors.Is(err, sql.ErrNoRows) {
		return arm.NotFound(name)
	}
	if err != nil {
		return fmt.Errorf("read setting %s: %w", name, err)
	}
	if err := json.Unmarshal(body, v); err != nil {
		return fmt.Errorf("read setting %s: %w", name, err)
	}
	return nil
}

// PutSetting stores v as JSON under (tenant, name).
func (tx *Tx) PutSetting(ctx context.Context, tenant, name string, v any) error {
	no, err := tx.tenantNo(ctx, tenant)
	if err != nil {
		return err
	}
	body, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("put setting %s: %w", name, err)
	}
	_, err = tx.exec(ctx, `INSERT INTO settings (tenant, name, body, updated_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (tenant, name) DO UPDATE SET body = excluded.body, updated_at = excluded.updated_at`, no, name, body, micros(tx.at))
	if err != nil {
		return fmt.Errorf("put setting %s: %w", name, err)
	}
	return nil
}

// DeleteSetting removes a value; one that is not there is no error.
func (tx *Tx) DeleteSetting(ctx context.Context, tenant, name string) error {
	no, err := tx.tenantNo(ctx, tenant)
	if err != nil {
		return err
	}
	if _, err := tx.exec(ctx, `DELETE FROM settings WHERE tenant = $1 AND name = $2`, no, name); err != nil {
		return fmt.Errorf("delete setting %s: %w", name, err)
	}
	return nil
}
