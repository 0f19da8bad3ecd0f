package cef_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/rampart-sec/rampart/internal/threat/event"
	"github.com/rampart-sec/rampart/internal/threat/event/cef"
)

func read(t testing.TB, in string) (out []string) {
	t.Helper()
	d := cef.New(strings.NewReader(in), event.NewSchema([]string{"src"}), event.NewKind("firewall", nil, nil))
	var r event.Record
	for {
		err := d.Next(&r)
		var bad *event.SkipError
		switch {
		case err == io.EOF:
			return out
		case errors.As(err, &bad):
			out = append(out, "skipped "+err.Error())
			continue
		case err != nil:
			t.Fatal(err)
		}
		fields := []string{r.Time().Format(time.RFC3339Nano)}
		r.Walk(func(name []byte, v event.Value) bool {
			fields = append(fields, fmt.Sprintf("%s=%q", name, v.Raw))
			return true
		})
		out = append(out, strings.Join(fields, " "))
	}
}

func TestEvents(t *testing.T) {
	const none = "0001-01-01T00:00:00Z"
	for in, want := range map[string]string{
		`CEF:0|Security|threat\|manager|1.0|100|worm \\ stopped|10|src=10.0.0.1 msg=a b\=c\nd dst=2.1.2.2 spt=1232 rt=1735787045000`: `2025-01-02T03:04:05Z deviceVendor="Security" deviceProduct="threat|manager" deviceVersion="1.0" deviceEventClassId="100" name="worm \\ stopped" severity="10" src="10.0.0.1" msg="a b=c\nd" dst="2.1.2.2" spt="1232" rt="1735787045000"`,
		"<34>Jan  2 03:04:05 h CEF:0|a|b|c|d|e|f|":           none + ` deviceVendor="a" deviceProduct="b" deviceVersion="c" deviceEventClassId="d" name="e" severity="f"`,
		"CEF:0|a|b|c|d|e|f|cs1=x y cs1Label=Rule Name cn1=5": none + ` deviceVendor="a" deviceProduct="b" deviceVersion="c" deviceEventClassId="d" name="e" severity="f" cs1="x y" cs1Label="Rule Name" cn1="5" RuleName="x y"`,
		"CEF:0|a|b": "skipped record 0 at byte 0: its CEF header has not seven parts",
		"hello":     "skipped record 0 at byte 0: it has no CEF: header",
		`CEF:0|a|b|c|d|e|f|request=http://x/?a=1&b=2 requestMethod=GET`: none + ` deviceVendor="a" deviceProduct="b" deviceVersion="c" deviceEventClassId="d" name="e" severity="f" request="http://x/?a=1&b=2" requestMethod="GET"`,
	} {
		if got := strings.Join(read(t, in), "\n"); got != want {
			t.Errorf("%s\n got %s\nwant %s", in, got, want)
		}
	}
}

func FuzzDecoder(f *testing.F) {
	f.Add(`CEF:0|Security|threat\|manager|1.0|100|worm|10|src=10.0.0.1 cs1=a\=b cs1Label=x rt=1`)
	f.Fuzz(func(t *testing.T, in string) {
		if n := len(read(t, in)); n > len(in) {
			t.Errorf("%d records", n)
		}
	})
}
