package access

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/base/wire"
)

// Facts are what a first start decides for good: the identity of the default
// tenant, its first subscription and its first administrators.
type Facts struct {
	TenantID       string `json:"tenantId"`
	SubscriptionID string `json:"subscriptionId"`
	ClientID       string `json:"clientId"` // the administrator's service principal
	UserID         string `json:"userId"`   // the administrator as a person, for sign-in links
	// ClientSecret is the service principal's secret if this call drew it, else
	// "". It exists in clear nowhere else: whoever gets it writes it down.
	ClientSecret string `json:"-"`
}

const bootstrapSetting = "access.bootstrap"

// Names of the first principals.
const (
	adminClientName = "rampart-admin"
	adminUserName   = "admin"
)

// bootstrapSource owns the document of the first subscription.
const bootstrapSource = "rampart"

// Bootstrap returns the facts of this installation, and on the first start
// creates them: tenant id, subscription, a service principal and a user that
// own everything.
func (a *Access) Bootstrap(ctx context.Context) (Facts, error) {
	var facts Facts
	err := a.store.Update(ctx, func(tx *store.Tx) error {
		err := tx.Setting(ctx, store.DefaultTenant, bootstrapSetting, &facts)
		if !arm.IsNotFound(err) {
			return err
		}
		facts, err = a.create(ctx, tx)
		return err
	})
	if err != nil {
		return Facts{}, fmt.Errorf("bootstrap: %w", err)
	}
	return facts, nil
}

func (a *Access) create(ctx context.Context, tx *store.Tx) (Facts, error) {
	var facts Facts
	for _, id := range []*string{&facts.TenantID, &facts.SubscriptionID, &facts.ClientID, &facts.UserID} {
		var err error
		if *id, err = a.newID(); err != nil {
			return facts, fmt.Errorf("draw an id: %w", err)
		}
	}
	secret, err := newSecret(a.rand)
	if err != nil {
		return facts, err
	}
	facts.ClientSecret = secret
	owners := []store.Principal{
		{ID: facts.ClientID, Kind: KindService, Name: adminClientName, Secret: hashDrawn(secret)},
		{ID: facts.UserID, Kind: KindUser, Name: adminUserName},
	}
	for _, p := range owners {
		if err := a.createOwner(ctx, tx, p); err != nil {
			return facts, err
		}
	}
	if err := putSubscription(ctx, tx, facts, a.now()); err != nil {
		return facts, err
	}
	return facts, tx.PutSetting(ctx, store.DefaultTenant, bootstrapSetting, facts)
}

func (a *Access) createOwner(ctx context.Context, tx *store.Tx, p store.Principal) error {
	p.Tenant = store.DefaultTenant
	if err := tx.PutPrincipal(ctx, p); err != nil {
		return err
	}
	id, err := a.newID()
	if err != nil {
		return fmt.Errorf("draw an id: %w", err)
	}
	return tx.PutRoleAssignment(ctx, store.RoleAssignment{ID: id, Tenant: p.Tenant, Principal: p.ID,
		Role: FindRole("Owner").ID, Scope: "/", CreatedBy: bootstrapSource})
}

// putSubscription writes the document of the first subscription, in which this
// machine and what is imported without one of its own live.
func putSubscription(ctx context.Context, tx *store.Tx, facts Facts, now time.Time) error {
	id := "/subscriptions/" + facts.SubscriptionID
	body, err := json.Marshal(map[string]any{
		"id": id, "name": facts.SubscriptionID, "type": arm.TypeSubscription, "displayName": "Rampart",
		"properties": map[string]any{"displayName": "Rampart", "subscriptionId": facts.SubscriptionID, "tenantId": facts.TenantID, "state": "Enabled"},
	})
	if err != nil {
		return fmt.Errorf("encode subscription: %w", err)
	}
	_, err = tx.PutResources(ctx, store.DefaultTenant, []wire.Document{
		{ID: id, Type: arm.TypeSubscription, Source: bootstrapSource, ObservedAt: now, Body: body}})
	return err
}

// KeepSecret returns a secret that the administrator's service principal signs
// in with: have, if it is right, else a new one that replaces the old. It heals
// a lost or edited bootstrap file at the next start.
func (a *Access) KeepSecret(ctx context.Context, have string) (string, error) {
	facts, err := a.facts(ctx)
	if err != nil {
		return "", fmt.Errorf("administrator's secret: %w", err)
	}
	secret := have
	err = a.store.Update(ctx, func(tx *store.Tx) error {
		p, err := tx.Principal(ctx, facts.ClientID)
		if err != nil || checkSecret(p.Secret, have) {
			return err
		}
		if secret, err = newSecret(a.rand); err != nil {
			return err
		}
		p.Secret = hashDrawn(secret)
		return tx.PutPrincipal(ctx, *p)
	})
	if err != nil {
		return "", fmt.Errorf("administrator's secret: %w", err)
	}
	return secret, nil
}

func (a *Access) facts(ctx context.Context) (Facts, error) {
	var facts Facts
	err := a.store.View(ctx, func(tx *store.Tx) error {
		return tx.Setting(ctx, store.DefaultTenant, bootstrapSetting, &facts)
	})
	return facts, err
}

// TenantID is the GUID by which clients know a tenant of the store: the drawn
// one for the default tenant, one derived from it for every other.
func (a *Access) TenantID(ctx context.Context, tenant string) (string, error) {
	facts, err := a.facts(ctx)
	if err != nil {
		return "", fmt.Errorf("tenant id: %w", err)
	}
	if tenant == store.DefaultTenant {
		return facts.TenantID, nil
	}
	root, err := uuid.Parse(facts.TenantID)
	if err != nil {
		return "", fmt.Errorf("tenant id: %w", err)
	}
	return uuid.NewSHA1(root, []byte(tenant)).String(), nil
}
