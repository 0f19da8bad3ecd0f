package proof

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/rampart-sec/rampart/content"
	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/wire"
	"github.com/rampart-sec/rampart/internal/posture/policy"
)

// situation is an example's resource among the related ones.
type situation struct {
	body        json.RawMessage
	related     []json.RawMessage
	unavailable []string
}

// judge evaluates example i under a definition, after change if there is one.
func (x *runner) judge(definition json.RawMessage, i int, change func(situation) (situation, error)) (policy.Verdict, error) {
	e := x.r.Examples[i]
	bound, err := bind(definition, e.Parameters)
	if err != nil {
		return policy.Verdict{}, err
	}
	body, err := x.r.Body(i)
	if err != nil {
		return policy.Verdict{}, err
	}
	s := situation{body: body, related: e.Related, unavailable: e.Unavailable}
	if change != nil {
		if s, err = change(s); err != nil {
			return policy.Verdict{}, err
		}
	}
	return x.evaluate(bound, s)
}

func (x *runner) evaluate(bound *policy.Bound, s situation) (policy.Verdict, error) {
	own, err := x.resource(s.body, s.unavailable)
	if err != nil {
		return policy.Verdict{}, err
	}
	estate := policy.Resources{own}
	for _, body := range s.related {
		other, err := x.resource(body, nil)
		if err != nil {
			return policy.Verdict{}, fmt.Errorf("related: %w", err)
		}
		estate = append(estate, other)
	}
	e := &policy.Evaluator{Aliases: x.opt.Aliases, Estate: estate, Now: x.opt.Now}
	return e.Evaluate(bound, own, policy.Environment{}), nil
}

func (x *runner) resource(body json.RawMessage, unavailable []string) (*policy.Resource, error) {
	var head struct{ ID, Type string }
	if err := json.Unmarshal(body, &head); err != nil {
		return nil, err
	}
	return policy.NewResource(wire.Document{
		ID: head.ID, Type: head.Type, Body: body, Unavailable: unavailable, ObservedAt: x.opt.Now,
	})
}

// bind compiles a definition with the parameter values of an example, if any.
func bind(definition, parameters json.RawMessage) (*policy.Bound, error) {
	d, err := policy.ParseDefinition(definition)
	if err != nil {
		return nil, err
	}
	raw := make(map[string]json.RawMessage)
	if parameters != nil {
		if err := json.Unmarshal(parameters, &raw); err != nil {
			return nil, fmt.Errorf("parameters: %w", err)
		}
	}
	given := make(map[string]policy.Value, len(raw))
	for name, text := range raw {
		if given[name], err = policy.ParseValue(text); err != nil {
			return nil, fmt.Errorf("parameter %s: %w", name, err)
		}
	}
	return policy.Bind(d, given, policy.Options{})
}

// fix applies the remediation: the patch to the body, the created child in the
// place of its namesake, the expected reports in the place of the present ones.
func (x *runner) fix(s situation) (situation, error) {
	m := &x.r.Remediation
	id, err := idOf(s.body)
	if err != nil {
		return s, err
	}
	fill := placeholders(id)
	if m.Patch != nil {
		if s.body, err = content.ApplyPatch(s.body, fill(m.Patch)); err != nil {
			return s, err
		}
	}
	s.related = slices.Clone(s.related)
	for i := range s.related {
		if m.Expect == nil {
			break
		}
		if s.related[i], err = content.ApplyPatch(s.related[i], fill(m.Expect)); err != nil {
			return s, err
		}
	}
	if m.Create != nil {
		s.related, err = replaced(s.related, fill(m.Create))
	}
	return s, err
}

// replaced puts a created resource in the place of the one with its id.
func replaced(list []json.RawMessage, created json.RawMessage) ([]json.RawMessage, error) {
	id, err := idOf(created)
	if err != nil {
		return nil, fmt.Errorf("created: %w", err)
	}
	return append(slices.DeleteFunc(list, func(body json.RawMessage) bool {
		other, err := idOf(body)
		return err == nil && other.Equal(id)
	}), created), nil
}

func idOf(body json.RawMessage) (arm.ID, error) {
	var head struct{ ID string }
	if err := json.Unmarshal(body, &head); err != nil {
		return arm.ID{}, err
	}
	return arm.ParseID(head.ID)
}

// placeholders fills what fixes may leave open.
func placeholders(id arm.ID) func(json.RawMessage) json.RawMessage {
	parent, _ := id.Parent()
	r := strings.NewReplacer("{id}", id.String(), "{name}", id.Name(), "{resourceGroup}", id.ResourceGroup(),
		"{subscription}", id.Subscription(), "{parent}", parent.Name())
	return func(text json.RawMessage) json.RawMessage { return json.RawMessage(r.Replace(string(text))) }
}
