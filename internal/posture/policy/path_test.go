package policy

import (
	"strings"
	"testing"
)

func TestParsePath(t *testing.T) {
	tests := []struct {
		text      string
		want      string // as String gives it, "" for an error
		wildcards int
	}{
		{"properties.a", "properties.a", 0},
		{"a[*].b[*]", "a[*].b[*]", 2},
		{"a[*][*]", "a[*][*]", 2},
		{"properties['x.y'].z", "properties['x.y'].z", 0},
		{"a['it''s']", "a['it''s']", 0},
		{"properties.checks.ssh-root-login.state", "properties.checks.ssh-root-login.state", 0},
		{"", "", 0},
		{"[*].a", "", 0},
		{"a.", "", 0},
		{"a..b", "", 0},
		{"a[0]", "", 0},
		{"a['x", "", 0},
		{strings.Repeat("a.", 70) + "a", "", 0},
	}
	for _, test := range tests {
		p, err := ParsePath(test.text)
		if (err != nil) != (test.want == "") || p.String() != test.want || err == nil && p.Wildcards() != test.wildcards {
			t.Errorf("%.40q is %s with %d [*], error %v", test.text, p, p.Wildcards(), err)
		}
	}
}

func TestParseField(t *testing.T) {
	tests := []struct {
		text string
		kind FieldKind
		tag  string
	}{
		{"NAME", FieldName, ""},
		{"fullName", FieldFullName, ""},
		{"type", FieldType, ""},
		{"kind", FieldKindOf, ""},
		{"location", FieldLocation, ""},
		{"id", FieldID, ""},
		{"tags", FieldTags, ""},
		{"tags.env", FieldTag, "env"},
		{"Tags[env.name]", FieldTag, "env.name"},
		{"tags['a/b']", FieldTag, "a/b"},
		{"tags['''x''']", FieldTag, "'x'"},
		{"tags[]", FieldTag, ""},
		{"identity.type", FieldPath, ""},
		{"properties.x[*]", FieldPath, ""},
		{"properties['a/b']", FieldPath, ""},
		{"Microsoft.A/b/c[*].d", FieldAlias, ""},
	}
	for _, test := range tests {
		f, err := ParseField(test.text)
		if err != nil {
			t.Errorf("%s: %v", test.text, err)
			continue
		}
		if f.Kind != test.kind || f.Tag != test.tag || f.Text != test.text {
			t.Errorf("%s is %+v", test.text, f)
		}
		if f.IsArray() != strings.Contains(test.text, "[*]") {
			t.Errorf("%s: array is %v", test.text, f.IsArray())
		}
	}
	if f, err := ParseField("properties.x"); err != nil || !f.Direct {
		t.Errorf("a path outside the envelope is not marked: %+v, %v", f, err)
	}
	if _, err := ParseField(""); err == nil {
		t.Error("a field without name was accepted")
	}
}

func TestUnavailablePaths(t *testing.T) {
	const body = `{"properties": {"acls": {"bypass": "None"}, "rules": [{"x": 1}, {}], "nothing": null}}`
	tests := []struct {
		hidden, read string
		want         Kind
	}{
		{"properties.acls", "properties.acls.bypass", Unavailable},
		{"properties.acls.bypass", "properties.acls.bypass", Unavailable},
		{"properties.ACLS.Bypass", "properties.acls.bypass", Unavailable},
		{"properties.acls.other", "properties.acls.bypass", String},
		{"properties.acls.other", "properties.acls", Object},
		{"properties.gone.x", "properties.gone", Unavailable},
		{"properties.gone.x", "properties.gone.y", Missing},
		{"properties.nothing.x", "properties.nothing.x", Unavailable},
		{"properties.rules[*].y", "properties.rules", Array},
		{"properties", "tags", Missing},
		{"tags", "tags", Unavailable},
	}
	for _, test := range tests {
		r := parseResource(t, body, []string{test.hidden + " no permission"})
		path, err := ParsePath(test.read)
		if err != nil {
			t.Fatal(err)
		}
		got := r.selectPath(path, noPins).values[0]
		if got.Kind != test.want {
			t.Errorf("%s hidden, %s is %s, want %s", test.hidden, test.read, got.Kind, test.want)
		}
		if got.Kind == Unavailable && !strings.Contains(got.Str, "no permission") {
			t.Errorf("%s hidden: the source's reason is lost: %q", test.hidden, got.Str)
		}
	}
}
