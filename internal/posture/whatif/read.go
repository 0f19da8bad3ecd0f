package whatif

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/inventory"
	"github.com/rampart-sec/rampart/internal/base/wire"
	"github.com/rampart-sec/rampart/internal/posture/judge"
	"github.com/rampart-sec/rampart/internal/posture/planning"
	"github.com/rampart-sec/rampart/internal/posture/template"
)

// Rejection is a part of what was supposed that could not be tried.
type Rejection struct {
	Line   int    // in the text, from 1; 0 where there are no lines
	ID     string // of the resource, or the place in a template; may be ""
	Reason string
}

// maxRejected bounds Supposed.Rejected: a large text may be wrong throughout.
const maxRejected = 1000

// Supposed is what a text and choices ask to try.
type Supposed struct {
	Changes []planning.Hypothetical
	// Rejected are the first parts that could not be used, in the order of the
	// text; RejectedTotal counts all.
	Rejected      []Rejection
	RejectedTotal int
}

func (s *Supposed) reject(r Rejection) {
	s.RejectedTotal++
	if len(s.Rejected) < maxRejected {
		s.Rejected = append(s.Rejected, r)
	}
}

// Place says where resources without ids of their own would be: an ARM template
// does not tell.
type Place struct {
	Subscription  string // GUID
	ResourceGroup string
}

// Read adds the resources of a text: JSON Lines, an array, the answer of a list
// command, or an ARM template, which is deployed to at. A part that is wrong is
// rejected alone; the error is an *arm.Error for a text that is wrong as a
// whole: cut off, with too many resources, or with none that can be used.
func (s *Supposed) Read(ctx context.Context, text []byte, at Place, now time.Time) error {
	text = bytes.TrimSpace(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf")))
	if len(text) == 0 {
		return nil
	}
	read := s.stream
	switch kindOf(text) {
	case kindTemplate:
		read = s.template
	case kindPlan:
		return arm.Invalid("This is a Terraform plan. rampart scan template judges those without a server; here it would have to be resources or an ARM template.")
	}
	before := len(s.Changes)
	if err := read(ctx, text, at, now); err != nil {
		return err
	}
	if len(s.Changes) > judge.MaxHypotheses {
		return arm.Invalid("There are %d resources, and at most %d can be tried at once.", len(s.Changes), judge.MaxHypotheses)
	}
	if len(s.Changes) == before {
		if len(s.Rejected) == 0 {
			return arm.Invalid("There is no resource in it.")
		}
		return arm.Invalid("No resource could be read: %s.", s.Rejected[0])
	}
	return nil
}

// String is one line for people.
func (r Rejection) String() string {
	where := ""
	if r.Line > 0 {
		where = fmt.Sprintf("line %d: ", r.Line)
	}
	if r.ID != "" {
		where += r.ID + ": "
	}
	return where + strings.TrimSuffix(r.Reason, ".")
}

type kind int

const (
	kindStream kind = iota
	kindTemplate
	kindPlan
)

// kindOf looks at the members of an only object.
func kindOf(text []byte) kind {
	var head struct {
		Schema    string          `json:"$schema"`
		Version   string          `json:"contentVersion"`
		Format    string          `json:"format_version"`
		Resources json.RawMessage `json:"resources"`
	}
	if text[0] != '{' || json.Unmarshal(text, &head) != nil {
		return kindStream
	}
	switch {
	case head.Format != "":
		return kindPlan
	case strings.Contains(strings.ToLower(head.Schema), "deploymenttemplate.json"), head.Version != "" && head.Resources != nil:
		return kindTemplate
	}
	return kindStream
}

// stream reads resources that have ids.
func (s *Supposed) stream(ctx context.Context, text []byte, _ Place, now time.Time) error {
	last := map[string]int{} // index in Changes by folded id
	n := 0
	res, err := inventory.Each(ctx, bytes.NewReader(text), inventory.EachOptions{Source: source, Now: now, Take: func(doc *wire.Document) error {
		if doc.Source != source {
			return nil // a container that nothing delivered: it is there, or nothing below it is judged
		}
		if doc.Deleted {
			return errors.New("it is a deletion, which cannot be tried")
		}
		if n++; n > judge.MaxHypotheses {
			return nil // counted, and refused as a whole below
		}
		h := planning.Hypothetical{ResourceID: doc.ID, Body: doc.Body, Unavailable: doc.Unavailable}
		if i, ok := last[arm.Fold(doc.ID)]; ok {
			s.Changes[i] = h
			return errors.New("it is given twice; the last one counts")
		}
		last[arm.Fold(doc.ID)] = len(s.Changes)
		s.Changes = append(s.Changes, h)
		return nil
	}})
	for _, r := range res.Rejected {
		s.reject(Rejection{r.Line, r.ID, r.Reason})
	}
	s.RejectedTotal += res.RejectedTotal - len(res.Rejected)
	if n > judge.MaxHypotheses {
		return arm.Invalid("There are %d resources, and at most %d can be tried at once.", n, judge.MaxHypotheses)
	}
	return err
}

// source marks documents that are supposed.
const source = "what-if"

// template reads an ARM template. What cannot be known before it is deployed is
// declared unavailable.
func (s *Supposed) template(_ context.Context, text []byte, at Place, _ time.Time) error {
	if at.Subscription == "" || at.ResourceGroup == "" {
		return arm.Invalid("An ARM template does not say where it is deployed to: choose a subscription and a resource group.")
	}
	place, err := arm.ResourceGroup(at.Subscription, at.ResourceGroup)
	if err != nil {
		return err
	}
	res, err := template.Read(text, template.Options{Subscription: place.Subscription(), ResourceGroup: place.Name()})
	if err != nil {
		return arm.Invalid("%v.", err)
	}
	for _, p := range res.Problems {
		s.reject(Rejection{ID: p.Path, Reason: p.Reason})
	}
	for i := range res.Documents {
		doc := &res.Documents[i]
		s.Changes = append(s.Changes, planning.Hypothetical{ResourceID: doc.ID, Body: doc.Body, Unavailable: doc.Unavailable})
	}
	return nil
}
