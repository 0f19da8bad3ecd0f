package jsonlog_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/rampart-sec/rampart/internal/threat/event"
	"github.com/rampart-sec/rampart/internal/threat/event/jsonlog"
)

// records gives the values of a.b in each record; a skipped record is nil.
func records(t testing.TB, in io.Reader, l jsonlog.Layout) (out [][]string) {
	t.Helper()
	s := event.NewSchema([]string{"a.b"})
	d := jsonlog.New(in, l, s, func(r *event.Record) error {
		r.Kind = kind
		return nil
	})
	var r event.Record
	for {
		err := d.Next(&r)
		var bad *event.SkipError
		switch {
		case err == io.EOF:
			return out
		case errors.As(err, &bad):
			out = append(out, nil)
			continue
		case err != nil:
			t.Fatal(err)
		}
		got := []string{}
		for v := r.First(0); v != 0; v = r.Next(v) {
			if r.TypeOf(v) != event.Nested {
				got = append(got, string(r.Text(v)))
			}
		}
		out = append(out, got)
	}
}

func TestShapesOfStreams(t *testing.T) {
	lists := jsonlog.Layout{Lists: []string{"Records"}}
	one, two := `{"a":{"b":"1"}}`, `{"a":{"b":"2"}}`
	for name, c := range map[string]struct {
		text string
		want [][]string
	}{
		"lines":              {one + "\n" + two + "\n", [][]string{{"1"}, {"2"}}},
		"back to back":       {one + two, [][]string{{"1"}, {"2"}}},
		"byte order mark":    {"\ufeff" + one, [][]string{{"1"}}},
		"array":              {"[" + one + ",\n" + two + "]", [][]string{{"1"}, {"2"}}},
		"object around":      {`{"n":1,"Records":[` + one + "," + two + `],"more":{}}` + one, [][]string{{"1"}, {"2"}, {"1"}}},
		"several lines each": {"{\n \"a\": {\n  \"b\": 1\n }\n}\n{\n \"a\":{\"b\":2}}", [][]string{{"1"}, {"2"}}},
		"arrays inside":      {`{"a":[{"b":[1,"x"]},{"b":true}]}`, [][]string{{"1", "x", "true"}}},
		"one key":            {`{"a.b":3}`, [][]string{{"3"}}},
		"escapes":            {`{"\u0061":{"b":"\u00e9\n"}}`, [][]string{{"é\n"}}},
		"null":               {`{"a":{"b":null}}`, [][]string{{"null"}}},
		"broken line":        {one + "\n{\"a\" 1}\n" + two, [][]string{{"1"}, nil, {"2"}}},
		"cut line":           {`{"a":{"b":"x` + "\n" + two, [][]string{nil, {"2"}}},
		"cut at the end":     {one + "\n" + `{"a":{"b"`, [][]string{{"1"}, nil}},
		"rubbish":            {"hello\nworld\n" + one, [][]string{nil, {"1"}}},
		"broken element":     {"[" + one + `,{"a" 1},` + two + "]", [][]string{{"1"}, nil, {"2"}}},
		"no object":          {"1\n\"x\"\n" + one, [][]string{nil, nil, {"1"}}},
		"too deep":           {`{"a":` + strings.Repeat("[", 300) + strings.Repeat("]", 300) + "}\n" + one, [][]string{nil, {"1"}}},
		"nothing":            {" \n ", nil},
	} {
		for way, in := range map[string]io.Reader{"whole": strings.NewReader(c.text), "byte by byte": iotest.OneByteReader(strings.NewReader(c.text))} {
			if diff := cmp.Diff(c.want, records(t, in, lists)); diff != "" {
				t.Errorf("%s, %s: %s", name, way, diff)
			}
		}
	}
}

func TestLongRecordIsSkippedAlone(t *testing.T) {
	long := `{"x":"` + strings.Repeat("x", event.MaxRecord+1024) + "\"}\n"
	got := records(t, strings.NewReader(long+`{"a":{"b":1}}`), jsonlog.Layout{})
	if diff := cmp.Diff([][]string{nil, {"1"}}, got); diff != "" {
		t.Error(diff)
	}
}

func TestReadErrorEndsTheStream(t *testing.T) {
	boom := errors.New("boom")
	d := jsonlog.Plain(io.MultiReader(strings.NewReader(`{"a":`), iotest.ErrReader(boom)), event.NewSchema(nil), kind)
	var r event.Record
	if err := d.Next(&r); !errors.Is(err, boom) {
		t.Errorf("got %v", err)
	}
}

func TestWalkFindsEveryField(t *testing.T) {
	const text = `{"a":{"b":1,"c":["x",{"d":null}]},"e.f":true}`
	d := jsonlog.Plain(strings.NewReader(text), event.NewSchema([]string{"a.b"}), kind)
	var r event.Record
	if err := d.Next(&r); err != nil {
		t.Fatal(err)
	}
	var got []string
	r.Walk(func(name []byte, v event.Value) bool {
		got = append(got, string(name)+"="+string(r.TextOf(&v)))
		return true
	})
	if diff := cmp.Diff([]string{"a.b=1", "a.c=x", "a.c.d=null", "e.f=true"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestSteadyStreamAllocatesNothing(t *testing.T) {
	line := []byte(`{"a":{"b":"C:\\Windows\\x.exe","c":[1,2,{"d":"é"}]},"e":"` + strings.Repeat("long ", 200) + "\"}\n")
	d := jsonlog.Plain(&endless{line: line}, event.NewSchema([]string{"a.b"}), kind)
	var r event.Record
	if n := testing.AllocsPerRun(5000, func() {
		if err := d.Next(&r); err != nil {
			t.Fatal(err)
		}
		_ = r.Fold(r.First(0))
	}); n >= 0.5 {
		t.Errorf("%v allocations a record", n)
	}
}

// endless repeats a line for ever.
type endless struct {
	line []byte
	at   int
}

func (e *endless) Read(p []byte) (int, error) {
	n := copy(p, e.line[e.at:])
	e.at = (e.at + n) % len(e.line)
	return n, nil
}
