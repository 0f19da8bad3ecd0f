package inventory

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/wire"
)

// template is what an ARM template says outside its resources. Its resources
// have names, often as expressions over parameters, and no ids: they are
// placed in the group that the import names, or in one of their own.
type template struct {
	parameters map[string]string // folded name -> default text
}

// templateGroup is where a template's resources lie if nobody says into which
// subscription and group it is deployed: it does not say so itself.
const templateGroup = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/" + templateName

const templateName = "template"

// TemplateGroup gives ImportOptions.Group of what a user names: a subscription
// (GUID or id) and a group in it, "template" without a name. "" of both is "".
// The error is an *arm.Error with status 400.
func TemplateGroup(subscription, group string) (string, error) {
	switch {
	case subscription == "" && group == "":
		return "", nil
	case subscription == "":
		return "", arm.Invalid("A resource group needs its subscription: name that too.")
	}
	id, err := arm.ResourceGroup(subscription, cmp.Or(group, templateName))
	if err != nil {
		return "", err
	}
	return id.String(), nil
}

// take reads the parameters' defaults when the wrapper is scanned.
func (t *template) take(key, value []byte) error {
	if string(key) != "parameters" {
		return nil
	}
	var ps map[string]struct {
		DefaultValue any `json:"defaultValue"`
	}
	if json.Unmarshal(value, &ps) != nil {
		return nil // names that need them say so, each
	}
	t.parameters = map[string]string{}
	for name, p := range ps {
		if s, ok := p.DefaultValue.(string); ok {
			t.parameters[arm.Fold(name)] = s
		}
	}
	return nil
}

// decode makes a document of one of the template's resources. Those without an
// id are placed in the pipeline's group.
func (t *template) decode(b []byte, p *pipeline) (doc wire.Document, placed bool, err error) {
	m, err := scanObject(b)
	if err != nil {
		return wire.Document{}, false, err
	}
	if m.id != "" {
		doc, err = Decode(b, p.now, p.source)
		return doc, false, err
	}
	id, name, err := t.place(m, p.group)
	if err != nil {
		return wire.Document{ID: m.typ}, false, err
	}
	if doc, err = Decode(withID(b, id, name), p.now, p.source); err != nil {
		return doc, false, err
	}
	doc.Unavailable = append(doc.Unavailable, expressions(doc.Body)...)
	return doc, true, checkEnvelope(&doc)
}

// place gives a resource its id in a group, and its name as plain text.
func (t *template) place(m *members, group string) (id, name string, err error) {
	if m.typ == "" || !m.hasName {
		return "", "", errors.New("it has neither an id nor type and name")
	}
	if m.resources != nil {
		return "", "", errors.New("it has resources nested in it: export the template flat")
	}
	if name, err = t.text(text(m.name)); err != nil {
		return "", "", fmt.Errorf("its name: %w", err)
	}
	parsed, err := arm.ResourceID(group, m.typ, name)
	return parsed.String(), name, err
}

// withID puts id and plain name in front; the expression that was the name
// moves out of the way.
func withID(b []byte, id, name string) []byte {
	var o map[string]json.RawMessage
	if json.Unmarshal(b, &o) != nil {
		return b
	}
	o["id"], _ = json.Marshal(id)
	o["name"], _ = json.Marshal(name[strings.LastIndexByte(name, '/')+1:])
	out, _ := json.Marshal(o) // raw members that were just read
	return out
}

// text gives a literal, or the value of the expressions that exports use for
// names: parameters with a default, and concat of them.
func (t *template) text(s string) (string, error) {
	if !strings.HasPrefix(s, "[") || strings.HasPrefix(s, "[[") {
		return strings.TrimPrefix(s, "["), nil
	}
	e := expression{t: t, rest: strings.TrimSuffix(s[1:], "]")}
	v, err := e.value(0)
	if err == nil && strings.TrimSpace(e.rest) != "" {
		err = errors.New("something follows it")
	}
	if err != nil {
		return "", fmt.Errorf("expression %q cannot be evaluated: %w", clip(s), err)
	}
	return v, nil
}

// expression is what is left of a template expression.
type expression struct {
	t    *template
	rest string
}

func (e *expression) value(depth int) (string, error) {
	e.rest = strings.TrimLeft(e.rest, " ")
	if strings.HasPrefix(e.rest, "'") {
		return e.literal()
	}
	name, rest, ok := strings.Cut(e.rest, "(")
	if !ok || depth > 8 {
		return "", errors.New("it is no text and no call")
	}
	e.rest = rest
	args, err := e.args(depth)
	if err != nil {
		return "", err
	}
	switch arm.Fold(name) {
	case "concat":
		return strings.Join(args, ""), nil
	case "parameters":
		if len(args) != 1 {
			return "", errors.New("parameters takes one name")
		}
		v, ok := e.t.parameters[arm.Fold(args[0])]
		if !ok {
			return "", fmt.Errorf("parameter %q has no default text", clip(args[0]))
		}
		return v, nil
	}
	return "", fmt.Errorf("function %q needs a deployment", clip(name))
}

// literal reads '...' in which two quotes stand for one.
func (e *expression) literal() (string, error) {
	var b strings.Builder
	for i := 1; i < len(e.rest); i++ {
		switch {
		case e.rest[i] != '\'':
			b.WriteByte(e.rest[i])
		case strings.HasPrefix(e.rest[i+1:], "'"):
			b.WriteByte('\'')
			i++
		default:
			e.rest = e.rest[i+1:]
			return b.String(), nil
		}
	}
	return "", errors.New("a text is not closed")
}

func (e *expression) args(depth int) ([]string, error) {
	var args []string
	for {
		v, err := e.value(depth + 1)
		if err != nil {
			return nil, err
		}
		args = append(args, v)
		e.rest = strings.TrimLeft(e.rest, " ")
		c, rest := "", e.rest
		if rest != "" {
			c, e.rest = rest[:1], rest[1:]
		}
		switch c {
		case ",":
		case ")":
			return args, nil
		default:
			return nil, errors.New("a bracket is not closed")
		}
	}
}
