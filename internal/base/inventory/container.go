package inventory

import (
	"encoding/json"
	"sync"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/base/wire"
)

// containers remembers which subscriptions and resource groups are stored, so
// that documents for those that nobody delivered are made up once: policies on
// subscriptions then have something to judge. It is a memory, not the truth:
// the store ignores a made-up document where a real one is.
type containers struct {
	mu    sync.Mutex
	known map[string]map[string]struct{} // tenant -> folded id
}

// maxKnown bounds the memory per tenant; beyond it everything is made up anew
// and ignored by the store.
const maxKnown = 100_000

// missing makes documents for the containers of docs that are not known.
func (c *containers) missing(tenant string, docs []wire.Document) []wire.Document {
	c.mu.Lock()
	defer c.mu.Unlock()
	known := c.known[tenant]
	made := map[string]struct{}{}
	var missing []wire.Document
	want := func(id string) {
		k := arm.Fold(id)
		_, have := known[k]
		_, done := made[k]
		if id == "" || have || done {
			return
		}
		made[k] = struct{}{}
		missing = append(missing, madeUp(arm.MustParseID(id)))
	}
	for i := range docs {
		if docs[i].Deleted {
			continue
		}
		sub, group := containerIDs(docs[i].ID)
		want(sub)
		want(group)
	}
	return missing
}

// containerIDs cuts the subscription's and the group's id off a valid id; ""
// where it lies in none.
func containerIDs(id string) (sub, group string) {
	p, err := arm.ParseID(id)
	if err != nil {
		return "", ""
	}
	return p.SubscriptionID(), p.ResourceGroupID()
}

// madeUp has the observation time zero: it never expires and everything else
// is newer.
func madeUp(id arm.ID) wire.Document {
	body, err := json.Marshal(struct {
		ID         string   `json:"id"`
		Name       string   `json:"name"`
		Type       string   `json:"type"`
		Properties struct{} `json:"properties"`
	}{ID: id.String(), Name: id.Name(), Type: id.Type()})
	if err != nil {
		panic("inventory: strings do not marshal: " + err.Error())
	}
	return wire.Document{ID: id.String(), Type: id.Type(), Source: store.SourceInventory, Body: body,
		Unavailable: []string{"tags no source has delivered this container", "location no source has delivered this container"}}
}

func (c *containers) add(tenant string, docs []wire.Document) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known == nil {
		c.known = map[string]map[string]struct{}{}
	}
	if c.known[tenant] == nil || len(c.known[tenant]) > maxKnown {
		c.known[tenant] = map[string]struct{}{}
	}
	for i := range docs {
		c.known[tenant][arm.Fold(docs[i].ID)] = struct{}{}
	}
}

func (c *containers) forget(tenant string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.known, tenant)
}
