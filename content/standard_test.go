package content

import (
	"strings"
	"testing"
)

func TestReadStandard(t *testing.T) {
	known := func(id string) bool { return id == "r1" || id == "r2" }
	const good = "id: ours\ntitle: Our rules\nversion: 2.0\ncontrols:\n- number: '1'\n  title: First\n  recommendations: [R1, r2]\n- {number: 1.1, title: Second, manual: true}\n"
	s, err := ReadStandard("f.yaml", []byte(good), known)
	if err != nil || len(s.Controls) != 2 || s.Controls[1].Number != "1.1" || s.Version != "2.0" {
		t.Fatalf("got %+v, %v", s, err)
	}
	if _, err := ReadStandard("f.json", []byte(`{"id": "ours", "title": "Our rules", "controls": [{"number": "1", "title": "First"}]}`), known); err != nil {
		t.Errorf("the same as JSON: %v", err)
	}
	replace := func(from, to string) string { return strings.Replace(good, from, to, 1) }
	for name, tt := range map[string]struct{ file, want string }{
		"unknown key":            {replace("title: First", "titel: First"), `f.yaml:6: unknown key "titel" (did you mean "title"?)`},
		"unknown recommendation": {replace("r2]", "r3]"), `f.yaml:7: controls.0.recommendations.1: there is no recommendation "r3"`},
		"recommendation twice":   {replace("r2]", "r1]"), `f.yaml:7: controls.0.recommendations.1: recommendation r1 is given twice`},
		"number twice":           {replace("number: 1.1", "number: 1"), `f.yaml:8: controls.1.number: control number "1" is also that of control 1`},
		"no number":              {replace("number: 1.1, ", ""), `f.yaml:8: controls.1.number: "" is not a control number`},
		"no title":               {replace("title: Our rules\n", ""), `f.yaml:1: title: a title of 1 to 160 characters is needed`},
		"bad id":                 {replace("id: ours", "id: Our rules"), `f.yaml:1: id: "Our rules" is not a short name`},
		"not a list":             {"id: ours\ntitle: x\ncontrols: 3\n", `f.yaml:3: want a list`},
		"alias":                  {"id: &a ours\ntitle: *a\n", `f.yaml:1: anchors and aliases`},
		"empty":                  {"", `f.yaml:1: empty file`},
		"too large":              {good + strings.Repeat("#", 1<<20), `f.yaml: larger than`},
	} {
		_, err := ReadStandard("f.yaml", []byte(tt.file), known)
		if err == nil || !strings.HasPrefix(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v\nwant one line that begins %s", name, err, tt.want)
		}
	}
}
