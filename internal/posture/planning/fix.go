package planning

import (
	"cmp"
	"encoding/json"
	"strings"

	"github.com/rampart-sec/rampart/content"
	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/rawjson"
	"github.com/rampart-sec/rampart/internal/base/wire"
	"github.com/rampart-sec/rampart/internal/posture/judge"
	"github.com/rampart-sec/rampart/internal/posture/policy"
	"github.com/rampart-sec/rampart/internal/posture/record"
	"github.com/rampart-sec/rampart/internal/posture/risk"
)

// fix tries the content's remediation on a copy and returns it only if the
// assessment becomes healthy; nil otherwise.
func (x *explainer) fix() *Fix {
	k := x.assessment.Recommendation.Content
	if k == nil {
		return nil
	}
	f := &Fix{}
	after := x.doc.Doc
	var docs *documents
	subject := x.subject
	var err error
	switch r := &k.Remediation; {
	case len(r.Patch) > 0:
		var patch json.RawMessage
		if patch, err = content.ExpandPatch(x.doc.Doc.Body, json.RawMessage(x.fill(string(r.Patch)))); err != nil {
			return nil
		}
		if after.Body, err = content.ApplyPatch(x.doc.Doc.Body, patch); err != nil {
			return nil
		}
		after.Unavailable = withoutPatched(after.Unavailable, patch)
		docs, subject, err = x.docs.with(after)
		f.Patch = pretty(patch)
		f.Before, f.After = changedParts(x.doc.Doc.Body, after.Body, patch)
	case len(r.Create) > 0:
		docs, f.After, err = x.create(r.Create)
	case len(r.Expect) > 0:
		docs, err = x.expect(k, f)
	default:
		return nil
	}
	if err != nil {
		return nil
	}
	if v, ok := x.decide(docs, subject); !ok || v.State != policy.Compliant {
		return nil
	}
	f.Az, f.Terraform, f.Shell = x.fill(k.Remediation.Az), x.fill(k.Remediation.Terraform), x.fill(k.Remediation.Shell)
	f.SideEffects = x.sideEffects(docs, subject)
	f.GainPoints = x.v.GainOf(x.row, x.slot)
	return f
}

// create adds the child resource that the remediation asks for.
func (x *explainer) create(template json.RawMessage) (*documents, string, error) {
	body := json.RawMessage(x.fill(string(template)))
	var child struct{ ID, Type string }
	if err := json.Unmarshal(body, &child); err != nil {
		return nil, "", err
	}
	docs, _, err := x.docs.with(wire.Document{ID: child.ID, Type: child.Type, Body: body})
	return docs, pretty(body), err
}

// expect puts what the source will report, once the commands have run, in the
// place of the reports below the resource that the recommendation looks at. A
// source that has not reported yet will.
func (x *explainer) expect(k *content.Recommendation, f *Fix) (*documents, error) {
	var details struct{ Type, Name string }
	if err := json.Unmarshal(k.Details, &details); err != nil {
		return nil, err
	}
	children, err := x.e.Children(x.docs.ctx, x.assessment.ResourceID)
	if err != nil {
		return nil, err
	}
	var reports []wire.Document
	for _, child := range children {
		id, err := arm.ParseID(child.Doc.ID)
		if err == nil && strings.EqualFold(child.Doc.Type, details.Type) &&
			(details.Name == "" || strings.EqualFold(id.Name(), details.Name)) {
			reports = append(reports, child.Doc)
		}
	}
	if len(reports) == 0 {
		id := x.assessment.ResourceID + "/providers/" + details.Type + "/" + cmp.Or(details.Name, "default")
		reports = append(reports, wire.Document{ID: id, Type: details.Type, Body: json.RawMessage(`{"properties":{}}`)})
	}
	docs, expected := x.docs, k.Remediation.Expect
	for _, report := range reports {
		before := report.Body
		if report.Body, err = content.ApplyPatch(before, expected); err != nil {
			return nil, err
		}
		report.Unavailable = withoutPatched(report.Unavailable, expected)
		f.Before, f.After = changedParts(before, report.Body, expected)
		if docs, _, err = docs.with(report); err != nil {
			return nil, err
		}
	}
	return docs, nil
}

// sideEffects are the resource's other assessments that the fix changes.
func (x *explainer) sideEffects(docs *documents, subject *policy.Resource) []record.Assessment {
	states := map[uint16]record.State{}
	for i := range x.members {
		if x.slots[i] == x.slot {
			continue
		}
		v := x.e.Evaluator(docs).Evaluate(x.members[i].Bound, subject, policy.Environment{})
		if s := stateOf(v.State); judge.StateRank[s] >= judge.StateRank[states[x.slots[i]]] {
			states[x.slots[i]] = s
		}
	}
	var all []record.Assessment
	for _, c := range x.row.Statuses {
		if s, ok := states[c.Slot]; ok && s != c.State && c.State != record.Exempt {
			a := x.v.AssessmentOf(x.row, c.Slot)
			a.State = s
			if s != record.Unhealthy {
				a.Risk, a.RiskFactors = risk.None, nil
			}
			all = append(all, a)
		}
	}
	return all
}

// fill puts the resource into a text template.
func (x *explainer) fill(template string) string {
	id, err := arm.ParseID(x.assessment.ResourceID)
	if err != nil || template == "" {
		return template
	}
	parent := ""
	if p, ok := id.Parent(); ok && id.IsChild() {
		parent = p.Name()
	}
	return strings.NewReplacer(
		"{id}", id.String(), "{name}", id.Name(), "{resourceGroup}", id.ResourceGroup(),
		"{subscription}", id.Subscription(), "{parent}", parent,
	).Replace(template)
}

// patchPaths are the JSON pointers that a patch writes, as lists of keys.
func patchPaths(patch json.RawMessage) [][]string {
	var ops []struct {
		Path string `json:"path"`
	}
	if json.Unmarshal(patch, &ops) != nil {
		return nil
	}
	var all [][]string
	for _, op := range ops {
		keys := strings.Split(strings.TrimPrefix(op.Path, "/"), "/")
		for i, k := range keys {
			keys[i] = strings.NewReplacer("~1", "/", "~0", "~").Replace(k)
		}
		all = append(all, keys)
	}
	return all
}

// withoutPatched drops the declarations of paths that the patch sets: a fix
// delivers what was not known.
func withoutPatched(unavailable []string, patch json.RawMessage) []string {
	var left []string
	for _, text := range unavailable {
		name, _, _ := strings.Cut(text, " ")
		set := false
		for _, keys := range patchPaths(patch) {
			set = set || strings.EqualFold(strings.Join(keys, "."), name)
		}
		if !set {
			left = append(left, text)
		}
	}
	return left
}

// changedParts shows the properties that a patch writes, before and after.
func changedParts(before, after, patch json.RawMessage) (was, is string) {
	old, now := map[string]any{}, map[string]any{}
	for _, keys := range patchPaths(patch) {
		graft(old, keys, before)
		graft(now, keys, after)
	}
	return prettyValue(old), prettyValue(now)
}

// graft copies the value at keys of a document into a tree; inside an array the
// whole array is copied.
func graft(tree map[string]any, keys []string, doc json.RawMessage) {
	for i, key := range keys {
		raw := rawjson.Lookup(doc, keys[:i+1]...)
		if raw == nil {
			return
		}
		if i == len(keys)-1 || raw[0] != '{' {
			tree[key] = json.RawMessage(raw)
			return
		}
		next, ok := tree[key].(map[string]any)
		if !ok {
			next = map[string]any{}
			tree[key] = next
		}
		tree = next
	}
}

func pretty(raw json.RawMessage) string {
	var v any
	if json.Unmarshal(raw, &v) != nil {
		return string(raw)
	}
	return prettyValue(v)
}

func prettyValue(v any) string {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return ""
	}
	return string(b)
}
