package exemption

import (
	"context"
	"fmt"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
)

// Rules are a tenant's demands on new exemptions. Those that are in force when
// the rules change stay so.
type Rules struct {
	// ApprovalRequired lets no exemption take effect unless somebody who may
	// approve it does, or has written it.
	ApprovalRequired bool `json:"approvalRequired"`
	// FourEyes demands that the approver is not the one who asked.
	FourEyes bool `json:"fourEyes"`
}

const rulesSetting = "exemption.rules"

// ReadRules reads a tenant's rules; without any, nothing is demanded.
func ReadRules(ctx context.Context, tx *store.Tx, tenant string) (Rules, error) {
	var r Rules
	err := tx.Setting(ctx, tenant, rulesSetting, &r)
	if arm.IsNotFound(err) {
		return r, nil
	}
	return r, err
}

// PutRules stores a tenant's rules.
func PutRules(ctx context.Context, tx *store.Tx, tenant string, r Rules) error {
	if err := tx.PutSetting(ctx, tenant, rulesSetting, r); err != nil {
		return fmt.Errorf("store exemption rules: %w", err)
	}
	return nil
}
