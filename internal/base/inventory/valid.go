package inventory

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/wire"
)

// maxAhead is how far a source's clock may be ahead; later times are taken as
// now, so that a jumping clock cannot lock out the documents that follow.
const maxAhead = 5 * time.Minute

// Limits of the envelope's texts; real ones are far shorter.
const (
	maxSource     = 64
	maxAPIVersion = 64
	maxPath       = 512
)

// valid checks a document that claims to be complete and gives it in the form
// that is stored: ids and types in one spelling, the body without white space.
func valid(doc wire.Document, tenant string, now time.Time) (wire.Document, error) {
	if doc.Tenant != "" && doc.Tenant != tenant {
		return doc, fmt.Errorf("it is addressed to tenant %q", clip(doc.Tenant))
	}
	id, err := arm.ParseID(doc.ID)
	if err != nil {
		return doc, err
	}
	if doc.Type, err = typeOf(id, doc.Type); err != nil {
		return doc, err
	}
	if err := checkSubscription(id, doc.Deleted); err != nil {
		return doc, err
	}
	doc.ID, doc.ObservedAt = id.String(), observed(doc.ObservedAt, now)
	if err := checkEnvelope(&doc); err != nil {
		return doc, err
	}
	if doc.Deleted {
		doc.Body, doc.Unavailable = nil, nil
		return doc, nil
	}
	return doc, checkBody(&doc, id)
}

func observed(at, now time.Time) time.Time {
	if at.IsZero() || at.After(now.Add(maxAhead)) {
		return now
	}
	return at
}

// typeOf gives the document's type: what it says if that is what its id says,
// in its spelling.
func typeOf(id arm.ID, typ string) (string, error) {
	typ = arm.CanonicalType(typ)
	switch {
	case id.String() == "/":
		return "", errors.New("the tenant root is no resource")
	case typ == "":
		return id.Type(), nil
	case !strings.EqualFold(typ, id.Type()):
		return "", fmt.Errorf("its type %q is not the type of its id, %q", clip(typ), clip(id.Type()))
	}
	return typ, nil
}

// checkSubscription refuses what lies in a subscription that cannot be one: it
// would be registered. What an older version took may still be deleted.
func checkSubscription(id arm.ID, deleted bool) error {
	if name := id.Subscription(); name != "" && !deleted && !arm.IsGUID(name) {
		return fmt.Errorf("its subscription %q is not a GUID", clip(name))
	}
	return nil
}

func checkEnvelope(doc *wire.Document) error {
	switch {
	case doc.Source == "" || len(doc.Source) > maxSource || !plain(doc.Source):
		return fmt.Errorf("source %q is empty, longer than %d or has control characters", clip(doc.Source), maxSource)
	case len(doc.APIVersion) > maxAPIVersion || !plain(doc.APIVersion):
		return fmt.Errorf("apiVersion %q is longer than %d or has control characters", clip(doc.APIVersion), maxAPIVersion)
	case doc.SourceVersion < 0:
		return errors.New("sourceVersion is negative")
	case len(doc.Unavailable) > wire.MaxUnavailable:
		return fmt.Errorf("more than %d unavailable paths", wire.MaxUnavailable)
	}
	for _, p := range doc.Unavailable {
		if p == "" || len(p) > maxPath || !plain(p) {
			return fmt.Errorf("unavailable path %q is empty, longer than %d or has control characters", clip(p), maxPath)
		}
		if err := wire.CheckUnavailable(p); err != nil {
			return fmt.Errorf("unavailable %w", err)
		}
	}
	return nil
}

// plain refuses control characters, invalid UTF-8 and NUL, which one of the
// engines would refuse later and less clearly.
func plain(s string) bool {
	return strings.ToValidUTF8(s, "") == s && strings.IndexFunc(s, func(r rune) bool { return r < 0x20 || r == 0x7f }) < 0
}

// checkBody verifies the body and brings it into stored form.
func checkBody(doc *wire.Document, id arm.ID) error {
	m, err := scanObject(doc.Body)
	if err != nil {
		return err
	}
	if m.id != "" && arm.Fold(m.id) != id.Key() {
		if other, err := arm.ParseID(m.id); err != nil || !other.Equal(id) {
			return fmt.Errorf("its body has another id, %q", clip(m.id))
		}
	}
	if _, err := typeOf(id, m.typ); err != nil {
		return fmt.Errorf("in its body %w", err)
	}
	doc.Body = m.complete(doc.Body, id, doc.Type)
	return nil
}

// complete adds the members id, name and type if the body has them not, writes
// the type as ids have it and drops white space.
func (m *members) complete(body []byte, id arm.ID, typ string) json.RawMessage {
	if m.typ != "" && !strings.EqualFold(m.typ, typ) {
		body = m.retype(body, typ)
	}
	if m.spaced {
		var b bytes.Buffer
		b.Grow(len(body))
		if json.Compact(&b, body) == nil { // it was scanned: it is JSON
			body = b.Bytes()
		}
	}
	var add []byte
	for _, x := range []struct {
		have        bool
		name, value string
	}{{m.id != "", "id", id.String()}, {m.hasName, "name", id.Name()}, {m.typ != "", "type", typ}} {
		if !x.have {
			add = appendMember(add, x.name, x.value)
		}
	}
	if add == nil {
		return body
	}
	rest := bytes.TrimLeft(body[1:], " \t\r\n")
	if rest[0] == '}' {
		add = add[:len(add)-1]
	}
	return append(append([]byte{'{'}, add...), rest...)
}

// retype is the body with another type in the place of its own.
func (m *members) retype(body []byte, typ string) []byte {
	at := cap(body) - cap(m.typeValue) // the value is a part of the body
	out := make([]byte, 0, len(body)+len(typ))
	out = append(append(out, body[:at]...), quote(typ)...)
	return append(out, body[at+len(m.typeValue):]...)
}

func quote(value string) []byte {
	quoted, err := json.Marshal(value)
	if err != nil {
		panic("inventory: a string does not marshal: " + err.Error())
	}
	return quoted
}

// appendMember appends "name":"value", with the comma.
func appendMember(b []byte, name, value string) []byte {
	b = append(append(append(b, '"'), name...), '"', ':')
	return append(append(b, quote(value)...), ',')
}

func clip(s string) string {
	if len(s) > 120 {
		return strings.ToValidUTF8(s[:120], "") + "..."
	}
	return s
}
