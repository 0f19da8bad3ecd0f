package mapping_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/rampart-sec/rampart/internal/threat/event"
	"github.com/rampart-sec/rampart/internal/threat/event/mapping"
)

const okta = `
logsource:
  product: okta
  service: okta
time: published
fields:
  actor.alternateId: User
  client.ipAddress: src_ip
`

func load(t *testing.T, text string) *mapping.Mapping {
	t.Helper()
	m, err := mapping.Load("okta.yml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestRecords(t *testing.T) {
	schema := event.NewSchema([]string{"User", "src_ip", "eventType"})
	in := `{"published":"2025-01-02T03:04:05Z","actor":{"alternateId":"bob"},"client":{"ipAddress":"10.0.0.9"},"eventType":"user.login"}
{broken
{"published":1735787045,"eventType":"x"}`
	d := load(t, okta).New(strings.NewReader(in), schema)
	var got []string
	var r event.Record
	for {
		err := d.Next(&r)
		var bad *event.SkipError
		if err == io.EOF {
			break
		}
		if errors.As(err, &bad) {
			got = append(got, "skipped")
			continue
		}
		line := r.Kind.String() + " " + r.Time().Format(time.RFC3339)
		for _, name := range schema.Names() {
			if v := r.First(schema.Slot(name)); v != 0 {
				line += " " + name + "=" + string(r.Text(v))
			}
		}
		got = append(got, line)
	}
	want := "okta//okta 2025-01-02T03:04:05Z User=bob src_ip=10.0.0.9 eventType=user.login|skipped|okta//okta 2025-01-02T03:04:05Z eventType=x"
	if s := strings.Join(got, "|"); s != want {
		t.Errorf("\n got %s\nwant %s", s, want)
	}
}

func TestTimeMayHaveAName(t *testing.T) {
	m := load(t, "logsource: {product: x}\ntime: a.b\nfields: {a.b: When}\n")
	d := m.New(strings.NewReader(`{"a":{"b":"2025-01-02"}}`), event.NewSchema(nil))
	var r event.Record
	if err := d.Next(&r); err != nil || r.Time().Year() != 2025 {
		t.Error(err, r.Time())
	}
}

func TestRefused(t *testing.T) {
	for text, want := range map[string]string{
		"":                        "empty file",
		"fields: {a: b}":          "logsource names neither",
		"logsource: {produkt: x}": "produkt",
		"logsource: {product: x}\nfields: {a: ''}":      `field "a"`,
		"logsource: {product: x}\nfields: {a..b: c}":    `field "a..b"`,
		"logsource: {product: x}\nfields: {a: b, a: c}": "a",
		"logsource: [": "okta.yml",
	} {
		if _, err := mapping.Load("okta.yml", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}
