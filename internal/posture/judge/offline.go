package judge

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/base/wire"
	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/plan"
	"github.com/rampart-sec/rampart/internal/posture/policy"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// Offline judges documents that no store keeps, once, as if every subscription
// among them were registered. First come AddPolicy calls, then Add calls, then
// Judge. It is for one goroutine. Options.Store may be nil.
type Offline struct {
	estate  *Estate
	rows    []*record.Row     // by handle less one
	handles map[string]uint32 // by folded id
	begun   bool
	err     error          // why it could not begin
	names   map[string]int // of assignments, how often
}

// NewOffline begins with the built-in initiative and no documents.
func NewOffline(opt Options) (*Offline, error) {
	j, err := newJudge(opt)
	if err != nil {
		return nil, err
	}
	o := &Offline{estate: newEstate(j, store.Tenant{}), handles: map[string]uint32{}}
	o.estate.ageless = true // a file is judged as it is, however old
	return o, o.assign(plan.BuiltInAssignment, plan.BuiltInInitiative)
}

// AddPolicy takes in a user's policy definition (ARM JSON) and assigns it to
// everything, with its default parameters.
func (o *Offline) AddPolicy(id string, body json.RawMessage) error {
	o.estate.objects.Put("policyDefinition", id, &store.Object{Kind: "policyDefinition", ID: id, Body: body})
	name := "offline-" + arm.Fold(id[strings.LastIndexByte(id, '/')+1:])
	if o.names == nil {
		o.names = map[string]int{}
	}
	if o.names[name]++; o.names[name] > 1 { // definitions of two scopes may have one name
		name = fmt.Sprintf("%s-%d", name, o.names[name])
	}
	return o.assign(name, id)
}

// assign assigns a definition or initiative to the tenant's root, so that what
// it reads is known before the first document comes.
func (o *Offline) assign(name, definition string) error {
	const kind = "Microsoft.Authorization/policyAssignments"
	id := "/providers/" + kind + "/" + name
	body, err := json.Marshal(map[string]any{"id": id, "name": name, "type": kind,
		"properties": map[string]any{"displayName": name, "policyDefinitionId": definition, "scope": "/"}})
	if err != nil {
		return fmt.Errorf("assign %s: %w", definition, err)
	}
	o.estate.objects.Put("policyAssignment", id, &store.Object{Kind: "policyAssignment", ID: id, Body: body})
	return nil
}

// Add takes in a document. An id that was given before is replaced, which
// again reports.
func (o *Offline) Add(ctx context.Context, doc *wire.Document) (again bool, err error) {
	if err := o.begin(ctx); err != nil {
		return false, err
	}
	key := arm.Fold(doc.ID)
	h, again := o.handles[key]
	if !again {
		h = uint32(len(o.rows) + 1)
	}
	r, err := o.estate.names.Row(o.estate.judge.risk, h, doc)
	if err != nil {
		return again, err
	}
	if sub, _, first := o.estate.delivered.note(r, doc); first { // registered: its plans are known
		o.estate.delivered.add(sub, plan.SettingType)
	}
	if err := o.estate.eval.upsert(h, doc); err != nil {
		return again, err
	}
	if again {
		o.rows[h-1] = r
		return true, nil
	}
	o.handles[key] = h
	o.rows = append(o.rows, r)
	return false, nil
}

func (o *Offline) begin(ctx context.Context) error {
	if o.begun {
		return o.err
	}
	o.begun = true
	o.estate.mu.Lock()
	defer o.estate.mu.Unlock()
	o.err = o.estate.compile(ctx)
	return o.err
}

// Judge judges everything that was added and returns the view. Policies that
// cannot be used are in Problems.
func (o *Offline) Judge(ctx context.Context) (*index.View, error) {
	if err := o.begin(ctx); err != nil {
		return nil, err
	}
	e := o.estate
	e.mu.Lock()
	defer e.mu.Unlock()
	t := e.begin(index.Empty(e.names, e.schema()), nil)
	if err := t.evaluate(); err != nil {
		return nil, err
	}
	for _, r := range o.rows {
		r.Assessed = true
		t.judge(r, nil, record.ResourceChanged)
	}
	v := t.builder.Commit(t.at)
	v = v.Ranked(index.NewRanks(v))
	e.publish(v)
	return v, nil
}

// Problems are the policies that cannot be used, each with the reason.
func (o *Offline) Problems() []record.Problem { return o.estate.Problems() }

// Aliases is the table by which policies name properties.
func (o *Offline) Aliases() *policy.Aliases { return o.estate.judge.opt.Aliases }
