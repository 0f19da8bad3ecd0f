package simulate

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rampart-sec/rampart/content"
	"github.com/rampart-sec/rampart/internal/base/wire"
)

// Shape of the estate; the figures are the acceptance trial's.
const (
	childShare       = 0.40
	unavailableShare = 0.03
	medianSize       = 1200.0 // bytes of JSON
	sizeSigma        = 1.2095 // ln(20000/1200)/2.326: the 99th percentile is 20 kB
	maxSize          = 256 << 10
	perSubscription  = 4000 // mean documents a subscription
	groupsEach       = 24
)

// Options of an estate. The same options give the same estate, byte for byte.
type Options struct {
	Resources int    // documents, children and containers included
	Seed      uint64 // default 1
	// Library whose examples are the templates; nil loads the embedded one.
	Library *content.Library
	Tenant  string
	Source  string    // default "import"
	Now     time.Time // observation time; default 2026-01-01
}

// Generator is a stream of documents. It is for one goroutine.
type Generator struct {
	opt      Options
	rnd      *rand.Rand
	models   []*model
	cumul    []float64
	subs     *rand.Zipf
	groups   *rand.Zipf
	owners   *rand.Zipf
	apps     *rand.Zipf
	seen     map[string]bool // containers already delivered
	queue    []wire.Document
	made     int
	children int
	serial   int
}

// New prepares an estate.
func New(opt Options) (*Generator, error) {
	if opt.Resources < 0 {
		return nil, fmt.Errorf("simulate %d resources: want 0 or more", opt.Resources)
	}
	if opt.Seed == 0 {
		opt.Seed = 1
	}
	if opt.Source == "" {
		opt.Source = "import"
	}
	if opt.Now.IsZero() {
		opt.Now = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	if opt.Library == nil {
		lib, err := content.Load()
		if err != nil {
			return nil, fmt.Errorf("simulate: %w", err)
		}
		opt.Library = lib
	}
	rnd := rand.New(rand.NewPCG(opt.Seed, 0x52414d50)) // the second word only keeps streams of other uses apart
	g := &Generator{opt: opt, rnd: rnd, models: models(opt.Library, rnd), seen: map[string]bool{}}
	total := 0.0
	for _, m := range g.models {
		total += m.weight
		g.cumul = append(g.cumul, total)
	}
	subscriptions := uint64(max(3, opt.Resources/perSubscription))
	g.subs = rand.NewZipf(rnd, 1.2, 4, subscriptions-1)
	g.groups = rand.NewZipf(rnd, 1.3, 4, groupsEach-1)
	g.owners = rand.NewZipf(rnd, 1.2, 2, 199)
	g.apps = rand.NewZipf(rnd, 1.2, 2, 999)
	return g, nil
}

// Next returns the next document, false at the end.
func (g *Generator) Next() (wire.Document, bool) {
	if g.made >= g.opt.Resources {
		return wire.Document{}, false
	}
	if len(g.queue) == 0 {
		g.more()
	}
	doc := g.queue[0]
	g.queue = g.queue[1:]
	g.made++
	return doc, true
}

// more queues one resource with the containers it is the first of and some of
// its children.
func (g *Generator) more() {
	g.queue = g.queue[:0]
	sub := g.container(subscriptionID(g.subs.Uint64()), "Microsoft.Resources/subscriptions", "")
	location := locations[g.rnd.IntN(len(locations))]
	group := g.container(sub+"/resourceGroups/rg-"+groupNames[g.groups.Uint64()%uint64(len(groupNames))], "Microsoft.Resources/subscriptions/resourceGroups", location)

	m := g.pick()
	g.serial++
	name := shortName(m.typ) + "-" + strconv.Itoa(g.serial)
	id := group + "/providers/" + m.typ + "/" + name
	g.add(id, name, m.typ, location, m.variants[g.rnd.IntN(len(m.variants))])
	if m.typ == typeMachine {
		g.network(id, group, location)
	}
	for _, i := range g.rnd.Perm(len(m.children)) {
		// children are added while the estate has fewer than its share of them
		if float64(g.children+1) > childShare*float64(g.made+len(g.queue)+1) {
			break
		}
		c := m.children[i]
		g.children++
		g.add(id+c.suffix, c.suffix[strings.LastIndexByte(c.suffix, '/')+1:], c.typ, "", c.variants[g.rnd.IntN(len(c.variants))].at(id))
	}
}

func (g *Generator) container(id, typ, location string) string {
	if !g.seen[id] {
		g.seen[id] = true
		name := id[strings.LastIndexByte(id, '/')+1:]
		body := map[string]any{"properties": map[string]any{"provisioningState": "Succeeded"}}
		if location == "" {
			body = map[string]any{"subscriptionId": name, "displayName": "Subscription " + strconv.Itoa(len(g.seen)), "state": "Enabled"}
		}
		g.add(id, name, typ, location, newTemplate(body))
	}
	return id
}

func (g *Generator) pick() *model {
	x := g.rnd.Float64() * g.cumul[len(g.cumul)-1]
	i, _ := slices.BinarySearch(g.cumul, x)
	return g.models[min(i, len(g.models)-1)]
}

// add writes one body: envelope, tags, the template's properties and enough
// inert settings to reach the size drawn for it.
func (g *Generator) add(id, name, typ, location string, t template) {
	doc := wire.Document{Tenant: g.opt.Tenant, ID: id, Type: typ, Source: g.opt.Source, ObservedAt: g.opt.Now}
	raw := t.raw
	if g.rnd.Float64() < unavailableShare {
		raw, doc.Unavailable = g.withhold(t)
	}
	b := make([]byte, 0, 1024)
	b = append(b, `{"id":`...)
	b = strconv.AppendQuote(b, id)
	b = append(append(b, `,"name":`...), strconv.Quote(name)...)
	b = append(append(b, `,"type":`...), strconv.Quote(typ)...)
	if location != "" {
		b = append(append(b, `,"location":`...), strconv.Quote(location)...)
		b = g.appendTags(b)
	}
	if len(raw) > 2 {
		own := strings.ReplaceAll(string(raw[1:len(raw)-1]), placeholderID, id)
		if typ == typeMachine {
			own = strings.ReplaceAll(own, placeholderNIC, nicOf(id))
		}
		b = append(append(b, ','), own...)
	}
	b = g.appendFiller(b)
	doc.Body = append(b, '}')
	g.queue = append(g.queue, doc)
}

func (t template) at(id string) template {
	return template{body: t.body, raw: []byte(strings.ReplaceAll(string(t.raw), placeholderID, id))}
}

func (g *Generator) appendTags(b []byte) []byte {
	if g.rnd.Float64() > 0.8 {
		return b
	}
	return fmt.Appendf(b, `,"tags":{"environment":%q,"owner":"team-%03d","application":"app-%04d","costCenter":"cc-%02d"}`,
		environments[min(g.rnd.IntN(8), len(environments)-1)], g.owners.Uint64(), g.apps.Uint64(), g.rnd.IntN(40))
}

// appendFiller reaches a size drawn from a log-normal distribution with
// settings that no policy reads.
func (g *Generator) appendFiller(b []byte) []byte {
	want := int(min(medianSize*math.Exp(sizeSigma*g.rnd.NormFloat64()), maxSize))
	if want-len(b) < 120 {
		return b
	}
	b = append(b, `,"systemData":{"createdBy":"deploy-bot","settings":[`...)
	for first := true; len(b) < want-60; first = false {
		if !first {
			b = append(b, ',')
		}
		b = fmt.Appendf(b, `{"name":"setting-%04d","value":"%016x","enabled":%t}`, g.rnd.IntN(10000), g.rnd.Uint64(), g.rnd.IntN(2) == 0)
	}
	return append(b, `]}`...)
}

// withhold removes one property from a template and names its path.
func (g *Generator) withhold(t template) ([]byte, []string) {
	properties, ok := t.body["properties"].(map[string]any)
	if !ok || len(properties) == 0 {
		return t.raw, nil
	}
	keys := sortedKeys(properties)
	key := keys[g.rnd.IntN(len(keys))]
	rest := clone(t.body).(map[string]any)
	delete(rest["properties"].(map[string]any), key)
	raw, err := json.Marshal(rest)
	if err != nil {
		return t.raw, nil
	}
	return raw, []string{"properties." + key}
}
