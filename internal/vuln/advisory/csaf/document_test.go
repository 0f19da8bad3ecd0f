package csaf

import (
	"os"
	"strings"
	"testing"
)

func sample(t testing.TB) []byte {
	t.Helper()
	text, err := os.ReadFile("../testdata/redhat-vex.json")
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestRedHat(t *testing.T) {
	d, err := Parse(sample(t))
	if err != nil {
		t.Fatal(err)
	}
	if !Is(sample(t)) || !d.IsRedHat() {
		t.Error("it is not recognised")
	}
	var got []string
	for _, e := range d.RedHat() {
		for _, p := range e.Packages {
			got = append(got, strings.Join([]string{p.Name, p.Ecosystem.String(), p.Ecosystem.Channel, p.Module, p.Status.String(), p.Intervals[0].Fixed}, "|"))
		}
	}
	want := "bash|Red Hat:8|||not-affected|\nkernel|Red Hat:8|||will-not-fix|\nlibexample|Red Hat:9|||open|1.2-3.el9\nlibexample|Red Hat:9.2|rhel_eus||open|1:1.1-9.el9_2\nnodejs|Red Hat:8||nodejs:18|deferred|"
	if s := strings.Join(got, "\n"); s != want {
		t.Errorf("got\n%s\nwant\n%s", s, want)
	}
}

func TestNoDocument(t *testing.T) {
	deep := `{"document":{"category":"csaf_vex"},"vulnerabilities":[{}],"product_tree":{"branches":` + strings.Repeat(`[{"branches":`, 200) + `[]` + strings.Repeat(`}]`, 200) + `}}`
	for _, text := range []string{"", "{}", "[]", `{"document":{"category":"x"}}`, deep} {
		if _, err := Parse([]byte(text)); err == nil {
			t.Errorf("%.40q is taken", text)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(sample(f))
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := Parse(data)
		if err == nil {
			d.RedHat()
		}
	})
}
