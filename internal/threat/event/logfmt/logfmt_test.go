package logfmt_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/rampart-sec/rampart/internal/threat/event"
	"github.com/rampart-sec/rampart/internal/threat/event/logfmt"
)

func read(t testing.TB, in string) (out []string) {
	t.Helper()
	d := logfmt.New(strings.NewReader(in), event.NewSchema([]string{"msg"}), event.NewKind("app", nil, nil))
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
			fields = append(fields, fmt.Sprintf("%s=%q", name, r.TextOf(&v)))
			return true
		})
		out = append(out, strings.Join(fields, " "))
	}
}

func TestLines(t *testing.T) {
	const none = "0001-01-01T00:00:00Z "
	for in, want := range map[string]string{
		`time=2025-01-02T03:04:05Z level=info msg="a \"b\"\n" path=C:\x fast n=`: `2025-01-02T03:04:05Z time="2025-01-02T03:04:05Z" level="info" msg="a \"b\"\n" path="C:\\x" fast="true" n=""`,
		"a=b=c =d  e=f": none + `a="b=c" e="f"`,
		`a="b`:          "skipped record 0 at byte 0: a quoted value has no end",
		"hello world":   "skipped record 0 at byte 0: it has no key=value",
	} {
		if got := strings.Join(read(t, in), "\n"); got != want {
			t.Errorf("%s\n got %s\nwant %s", in, got, want)
		}
	}
}

func FuzzDecoder(f *testing.F) {
	f.Add(`time=1 msg="a \"b\" \u00" c`)
	f.Fuzz(func(t *testing.T, in string) {
		if n := len(read(t, in)); n > strings.Count(in, "\n")+1 {
			t.Errorf("%d records", n)
		}
	})
}
