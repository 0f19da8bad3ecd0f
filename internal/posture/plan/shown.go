package plan

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/base/wire"
)

// shownBelow is what the documents of a subscription's own settings hang on.
// The id that ARM gives a setting is left to sources: what a cloud says of its
// plan and what is set here are two documents, and neither overwrites the other.
const shownBelow = "/providers/Rampart.Security/settings/plans"

// documentID is the id of the inventory's document of a subscription's setting.
func documentID(subscription string, p *Plan) string {
	return subscription + shownBelow + "/providers/" + SettingType + "/" + p.Name
}

// show writes the document of the setting that a subscription has, after a
// change of it or of a resource's own setting below it. Resources' settings
// have no documents: they are told by the subscription's coverage.
func show(ctx context.Context, tx *store.Tx, tenant string, scope arm.ID, p *Plan) error {
	subscription, err := arm.ParseID(scope.SubscriptionID())
	if err != nil {
		return err
	}
	setting, err := get(ctx, tx, tenant, subscription, p)
	if err != nil {
		return err
	}
	// Without an object of its own the subscription's document is registration's
	// to begin with, and that needs none.
	if setting.ETag == "" {
		return nil
	}
	doc, err := shown(setting)
	if err != nil {
		return err
	}
	return put(ctx, tx, tenant, doc)
}

// shown makes the document. It has no time of observation, so it neither ages
// nor counts as seen again.
func shown(s *Setting) (wire.Document, error) {
	d := document{ID: documentID(s.Scope.String(), s.Plan), Name: s.Plan.Name, Type: SettingType, Properties: propertiesOf(s.State)}
	d.Properties.Coverage = s.Coverage
	body, err := json.Marshal(d)
	if err != nil {
		return wire.Document{}, fmt.Errorf("encode plan %s: %w", s.Plan.Name, err)
	}
	return wire.Document{ID: d.ID, Type: d.Type, Source: store.SourcePlans, Body: body}, nil
}

// put writes a document over whatever another source left under its id.
func put(ctx context.Context, tx *store.Tx, tenant string, doc wire.Document) error {
	written, err := tx.PutResources(ctx, tenant, []wire.Document{doc})
	if err != nil || written[0].Outcome != store.Foreign {
		return err
	}
	if err := tx.DeleteResource(ctx, tenant, doc.ID, ""); err != nil {
		return err
	}
	_, err = tx.PutResources(ctx, tenant, []wire.Document{doc})
	return err
}

// FollowSubscription is for the transaction in which the document of a
// subscription came, perhaps again, or went: the documents of its settings go
// with it. The settings stay, so they are shown again when it is back.
func (s *Plans) FollowSubscription(ctx context.Context, tx *store.Tx, tenant, id string, there bool) error {
	subscription, err := arm.ParseID(id)
	if err != nil {
		return err
	}
	for i := range Table {
		p := &Table[i]
		if !there {
			err := tx.DeleteResource(ctx, tenant, documentID(subscription.String(), p), "")
			if err != nil && !arm.IsNotFound(err) {
				return err
			}
			continue
		}
		setting, err := get(ctx, tx, tenant, subscription, p)
		if err != nil {
			return err
		}
		if setting.State.TrialStarted.IsZero() && !setting.State.Enforce {
			continue // as registration left it
		}
		if err := show(ctx, tx, tenant, subscription, p); err != nil {
			return err
		}
	}
	return nil
}
