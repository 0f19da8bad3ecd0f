package lines_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/rampart-sec/rampart/internal/threat/event"
	"github.com/rampart-sec/rampart/internal/threat/event/lines"
)

func all(t testing.TB, in io.Reader) (out []string, long int, err error) {
	t.Helper()
	r := lines.NewReader(in)
	for {
		line, err := r.Next()
		var e *lines.LongError
		switch {
		case errors.As(err, &e):
			long++
		case err == io.EOF:
			return out, long, nil
		case err != nil:
			return out, long, err
		default:
			out = append(out, string(line))
		}
	}
}

func TestReader(t *testing.T) {
	endless := strings.Repeat("x", 3*lines.MaxLine)
	most := strings.Repeat("y", lines.MaxLine)
	for _, c := range []struct {
		name, in string
		want     []string
		long     int
	}{
		{"empty", "", nil, 0},
		{"ends of line", "a\r\nb\n\nc", []string{"a", "b", "", "c"}, 0},
		{"zeros and wrong UTF-8 stay", "a\x00\xff\n", []string{"a\x00\xff"}, 0},
		{"longest", "a\n" + most + "\nb", []string{"a", most, "b"}, 0},
		{"endless in between", "a\n" + endless + "\nb\n", []string{"a", "b"}, 1},
		{"endless at the end", "a\n" + endless, []string{"a"}, 1},
	} {
		for _, in := range []io.Reader{strings.NewReader(c.in), iotest.HalfReader(strings.NewReader(c.in)), iotest.DataErrReader(strings.NewReader(c.in))} {
			got, long, err := all(t, in)
			if err != nil || long != c.long || strings.Join(got, "\n") != strings.Join(c.want, "\n") {
				t.Errorf("%s: %d lines, %d too long, %v", c.name, len(got), long, err)
			}
		}
	}
}

func TestReaderGivesErrorOfStream(t *testing.T) {
	broken := errors.New("disk on fire")
	got, _, err := all(t, io.MultiReader(strings.NewReader("a\nb"), iotest.ErrReader(broken)))
	if err != broken || len(got) != 1 {
		t.Errorf("%q, %v", got, err)
	}
}

func TestDecoderSkipsAlone(t *testing.T) {
	d := lines.New(strings.NewReader("a\n# note\n\nbad\nb\n"), event.NewSchema(nil), func(line []byte, r *event.Record) error {
		switch {
		case line[0] == '#':
			return lines.ErrNoRecord
		case string(line) == "bad":
			return errors.New("it is bad")
		}
		return nil
	})
	var r event.Record
	var got []string
	for {
		err := d.Next(&r)
		if err == io.EOF {
			break
		}
		if err != nil {
			got = append(got, err.Error())
			continue
		}
		got = append(got, string(r.Raw))
	}
	if s := strings.Join(got, "|"); s != "a|record 1 at byte 10: it is bad|b" {
		t.Error(s)
	}
}

func TestFrames(t *testing.T) {
	d := lines.NewFrames(iotest.OneByteReader(strings.NewReader("7 <1>a\nbc5 <1>de\n<2>plain\n3 not framed\n9999999 <1>long\n20 <1>cut off")),
		event.NewSchema(nil), func([]byte, *event.Record) error { return nil })
	var got []string
	var r event.Record
	for d.Next(&r) == nil {
		got = append(got, string(r.Raw))
	}
	if s := strings.Join(got, "|"); s != "<1>a\nbc|<1>de|<2>plain|3 not framed|9999999 <1>long|<1>cut off" {
		t.Errorf("%q", s)
	}
}

func FuzzReader(f *testing.F) {
	f.Add([]byte("a\r\nb\n\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, _, err := all(t, iotest.OneByteReader(bytes.NewReader(b)))
		if err != nil {
			t.Fatal(err)
		}
		want := strings.Split(strings.TrimSuffix(string(b), "\n"), "\n")
		if len(b) == 0 {
			want = nil
		}
		for i := range want {
			want[i] = strings.TrimSuffix(want[i], "\r")
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") || len(got) != len(want) {
			t.Errorf("%q, want %q", got, want)
		}
	})
}
