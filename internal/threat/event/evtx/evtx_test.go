package evtx_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rampart-sec/rampart/internal/threat/event"
	"github.com/rampart-sec/rampart/internal/threat/event/evtx"
	"github.com/rampart-sec/rampart/internal/threat/event/windows"
)

// read gives the fields of each record as sorted lines, and what was skipped.
func read(t testing.TB, in io.Reader) (records [][]string, skipped []string) {
	t.Helper()
	d := evtx.New(in, event.NewSchema([]string{"Image", "EventID"}))
	var r event.Record
	for {
		err := d.Next(&r)
		var bad *event.SkipError
		switch {
		case err == io.EOF:
			return records, skipped
		case errors.As(err, &bad):
			skipped = append(skipped, err.Error())
			continue
		case err != nil:
			t.Fatal(err)
		}
		var fields []string
		r.Walk(func(name []byte, v event.Value) bool {
			fields = append(fields, fmt.Sprintf("%s=%s", name, v.Raw))
			return true
		})
		slices.Sort(fields)
		records = append(records, fields)
	}
}

func str(s string) val { return val{0x01, utf16LE(s)} }

func id(n byte) val { return val{0x06, []byte{n, 0}} }

func TestValues(t *testing.T) {
	channel := str("Security")
	for _, c := range []struct {
		name string
		v    val
		want string
	}{
		{"string", str("C:\\Ünix\U0001f600"), "X=C:\\Ünix\U0001f600"},
		{"string with a zero at its end", str("a\x00"), "X=a"},
		{"lone surrogate", val{0x01, []byte{0x00, 0xd8, 'a', 0}}, "X=\ufffda"},
		{"ANSI", val{0x02, []byte("caf\xe9 \x80\x00")}, "X=café €"},
		{"int8", val{0x03, []byte{0xff}}, "X=-1"},
		{"uint8", val{0x04, []byte{0xff}}, "X=255"},
		{"int16", val{0x05, []byte{0, 0x80}}, "X=-32768"},
		{"int32", val{0x07, []byte{0xfe, 0xff, 0xff, 0xff}}, "X=-2"},
		{"uint64", val{0x0a, []byte{255, 255, 255, 255, 255, 255, 255, 255}}, "X=18446744073709551615"},
		{"float", val{0x0b, []byte{0, 0, 0xc0, 0x3f}}, "X=1.5"},
		{"double", val{0x0c, []byte{0, 0, 0, 0, 0, 0, 0xf8, 0x3f}}, "X=1.5"},
		{"bool", val{0x0d, []byte{1, 0, 0, 0}}, "X=true"},
		{"binary", val{0x0e, []byte{0xca, 0xfe}}, "X=CAFE"},
		{"GUID", val{0x0f, []byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}}, "X=04030201-0605-0807-090A-0B0C0D0E0F10"},
		{"size", val{0x10, []byte{0x10, 0, 0, 0, 0, 0, 0, 0}}, "X=0x10"},
		{"FILETIME", val{0x11, []byte{0x00, 0x80, 0x3e, 0xd5, 0xde, 0xb1, 0x9d, 0x01}}, "X=1970-01-01T00:00:00.000000Z"},
		{"SYSTEMTIME", val{0x12, []byte{0xe9, 7, 1, 0, 3, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0}}, "X=2025-01-02T03:04:05.006000Z"},
		{"SID", val{0x13, []byte{1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 32, 2, 0, 0}}, "X=S-1-5-32-544"},
		{"hex", val{0x14, []byte{0x78, 0x56, 0, 0}}, "X=0x5678"},
		{"strings", val{0x81, utf16LE("one\x00two\x00")}, "X=one X=two"},
		{"numbers", val{0x86, []byte{1, 0, 2, 0}}, "X=1 X=2"},
		{"null", val{0x00, nil}, ""},
		{"empty string", str(""), "X="},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWriter()
			w.record([]string{"X"}, id(99), channel, c.v)
			records, skipped := read(t, bytes.NewReader(file(w.chunkBytes())))
			if len(records) != 1 || len(skipped) != 0 {
				t.Fatalf("%d records, skipped: %v", len(records), skipped)
			}
			got := strings.Join(records[0], " ")
			if want := strings.TrimSpace("Channel=Security EventID=99 " + c.want); got != want {
				t.Errorf("%q, want %q", got, want)
			}
		})
	}
}

func TestBrokenValuesAreSkippedAlone(t *testing.T) {
	for _, c := range []struct {
		name, want string
		v          val
	}{
		{"unknown type", "a value has the unknown type 0x7f", val{0x7f, []byte{1}}},
		{"size of a number", "a value of type 0x7 has 3 bytes", val{0x07, []byte{1, 2, 3}}},
		{"SID", "a security identifier has 8 bytes", val{0x13, []byte{1, 9, 0, 0, 0, 0, 0, 5}}},
	} {
		w := newWriter()
		w.record([]string{"X"}, id(1), str("System"), str("good"))
		w.record(nil, id(2), str("System"), c.v)
		w.record(nil, id(3), str("System"), str("good"))
		records, skipped := read(t, bytes.NewReader(file(w.chunkBytes())))
		if len(records) != 2 || len(skipped) != 1 || !strings.HasPrefix(skipped[0], "record 1 at byte") || !strings.Contains(skipped[0], c.want) {
			t.Errorf("%s: %d records, skipped: %v", c.name, len(records), skipped)
		}
	}
}

// chunkOf has n records.
func chunkOf(n int) []byte {
	w := newWriter()
	for i := range n {
		w.record([]string{"Image", "Threat Name", ""}, id(byte(i)), str("System"), str(`C:\a.exe`), str("x"), str("classic"))
	}
	return w.chunkBytes()
}

func TestDamage(t *testing.T) {
	flip := func(c []byte, at int) []byte { c[at] ^= 0xff; return c }
	second := bytes.Index(chunkOf(3)[600:], []byte("**\x00\x00")) + 600
	headless := chunkOf(3)
	copy(headless, "damaged!")
	whole := file(chunkOf(3), chunkOf(2))
	dirty := file(flip(chunkOf(3), 52))
	dirty[120] = 1
	for _, c := range []struct {
		name    string
		in      []byte
		records int
		skipped []string // what each names
	}{
		{"whole", whole, 5, nil},
		{"empty chunk between", file(chunkOf(3), make([]byte, 65536), chunkOf(2)), 5, nil},
		{"no chunk", file(), 0, nil},
		{"checksum of the header", file(flip(chunkOf(3), 124), chunkOf(2)), 5, []string{"chunk 0 is damaged: the checksum of its header"}},
		{"checksum of the records", file(chunkOf(2), flip(chunkOf(3), 512+16)), 5, []string{"chunk 1 is damaged: the checksum of its records"}},
		{"checksum of a log in use", dirty, 3, nil},
		{"header of a chunk", file(headless, chunkOf(2)), 5, []string{"chunk 0 is damaged: it has no header"}},
		{"record signature", file(flip(chunkOf(3), second), chunkOf(2)), 4, []string{"checksum of its records", "record 1 at byte"}},
		{"record size", file(flip(chunkOf(3), second+4)), 2, []string{"checksum of its records", "its two sizes differ"}},
		{"file cut inside of a record", whole[:4096+second+30], 1, []string{"record 1 at byte " + fmt.Sprint(4096+second) + ": the file ends inside of it"}},
		{"file cut inside of a chunk header", whole[:4096+100], 0, []string{"the file ends inside of its header"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			records, skipped := read(t, bytes.NewReader(c.in))
			if len(records) != c.records || len(skipped) != len(c.skipped) {
				t.Fatalf("%d records, skipped: %q", len(records), skipped)
			}
			for i, want := range c.skipped {
				if !strings.Contains(skipped[i], want) {
					t.Errorf("skipped: %q, want %q", skipped[i], want)
				}
			}
		})
	}
}

func TestNames(t *testing.T) {
	records, _ := read(t, bytes.NewReader(file(chunkOf(1))))
	want := `Channel=System Data=classic EventID=0 Image=C:\a.exe ThreatName=x`
	if got := strings.Join(records[0], " "); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestOtherFilesAreRefused(t *testing.T) {
	for _, in := range []string{"{}", strings.Repeat("x", 5000)} {
		d := evtx.New(strings.NewReader(in), event.NewSchema(nil))
		if err := d.Next(new(event.Record)); err == nil || !strings.Contains(err.Error(), "no ElfFile header") {
			t.Errorf("%.10q: %v", in, err)
		}
	}
}

func TestSteadyStreamAllocatesNothing(t *testing.T) {
	in := file(chunkOf(60))
	d := evtx.New(bytes.NewReader(in), event.NewSchema([]string{"Image"}))
	var r event.Record
	for range 5 {
		if err := d.Next(&r); err != nil {
			t.Fatal(err)
		}
	}
	if n := testing.AllocsPerRun(50, func() {
		if err := d.Next(&r); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations a record", n)
	}
}

func FuzzDecoder(f *testing.F) {
	short := func(log []byte) []byte { // without the room around headers and records
		binary.LittleEndian.PutUint16(log[40:], 128)
		return append(log[:128:128], bytes.TrimRight(log[4096:], "\x00")...)
	}
	f.Add(short(file(chunkOf(3))))
	w := newWriter()
	w.record([]string{"a", "b"}, id(1), str("System"), val{0x81, utf16LE("x\x00y")}, val{0x21, []byte{0x0f, 1, 1, 0, 0x41, 0, 0, 0}})
	f.Add(short(file(w.chunkBytes())))
	f.Fuzz(func(t *testing.T, b []byte) {
		d := evtx.New(bytes.NewReader(b), event.NewSchema([]string{"Image"}))
		var r event.Record
		for n := 0; n <= len(b); n++ {
			err := d.Next(&r)
			var bad *event.SkipError
			if err != nil && !errors.As(err, &bad) {
				return
			}
		}
		t.Error("more records than bytes")
	})
}

// regression is where the same events are as EVTX and as JSON.
const regression = "../../../../../shared/data/detect/events/sigma-regression"

// TestAgreesWithJSON compares each recorded event with the JSON that another
// reader made of the same file, looked through by encoding/json alone.
func TestAgreesWithJSON(t *testing.T) {
	files, _ := filepath.Glob(filepath.Join(regression, "*", "*.evtx"))
	if len(files) == 0 {
		t.Skip("no recorded events here")
	}
	for _, name := range files {
		t.Run(filepath.Base(filepath.Dir(name)), func(t *testing.T) {
			in, err := os.Open(name)
			if err != nil {
				t.Fatal(err)
			}
			defer in.Close()
			got, skipped := read(t, in)
			want := fromJSON(t, strings.TrimSuffix(name, ".evtx")+".json")
			if len(got) != len(want) || len(skipped) != 0 {
				t.Fatalf("%d records, want %d; skipped: %v", len(got), len(want), skipped)
			}
			for i := range want {
				for j, field := range got[i] { // that reader drops spaces at the end of values
					got[i][j] = strings.TrimRight(field, " ")
				}
				if a, b := strings.Join(got[i], "\n"), strings.Join(want[i], "\n"); a != b {
					t.Errorf("record %d:\n%s\nwant\n%s", i, a, b)
				}
			}
		})
	}
}

// TestRulesSeeTheSameAsInJSON compares every slot with what the JSON decoder gives
// for the same event.
func TestRulesSeeTheSameAsInJSON(t *testing.T) {
	files, _ := filepath.Glob(filepath.Join(regression, "*", "*.evtx"))
	if len(files) == 0 {
		t.Skip("no recorded events here")
	}
	for _, name := range files {
		var names []string
		for _, record := range fromJSON(t, strings.TrimSuffix(name, ".evtx")+".json") {
			for _, field := range record {
				key, _, _ := strings.Cut(field, "=")
				names = append(names, key)
			}
		}
		schema := event.NewSchema(names)
		a, b := slots(t, name, evtx.New, schema), slots(t, strings.TrimSuffix(name, ".evtx")+".json", windows.NewJSON, schema)
		if a != b {
			t.Errorf("%s:\n%s\nJSON:\n%s", name, a, b)
		}
	}
}

// slots are the folded values of a file by slot, with its kinds, without spaces at
// the end of values, which the maker of the JSON dropped.
func slots(t *testing.T, name string, open func(io.Reader, *event.Schema) event.Decoder, schema *event.Schema) string {
	t.Helper()
	in, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	var out strings.Builder
	d := open(in, schema)
	var r event.Record
	for d.Next(&r) == nil {
		out.WriteString(r.Kind.String() + r.Time().Format(" 15:04:05.000000\n"))
		for i, name := range schema.Names() {
			for v := r.First(event.Slot(i)); v != 0; v = r.Next(v) {
				fmt.Fprintf(&out, "%s=%s\n", name, strings.TrimRight(string(r.Fold(v)), " "))
			}
		}
	}
	return out.String()
}

func fromJSON(t *testing.T, name string) (records [][]string) {
	t.Helper()
	in, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	dec := json.NewDecoder(in)
	dec.UseNumber()
	for {
		var doc struct {
			Event struct{ System, EventData map[string]any }
		}
		if err := dec.Decode(&doc); err == io.EOF {
			return records
		} else if err != nil {
			t.Fatal(err)
		}
		var fields []string
		for name, v := range doc.Event.System {
			if o, ok := v.(map[string]any); ok {
				for attr, v := range o["#attributes"].(map[string]any) {
					fields = append(fields, fmt.Sprintf("%s_%s=%v", name, attr, v))
				}
				continue
			}
			if v != nil {
				fields = append(fields, fmt.Sprintf("%s=%v", name, v))
			}
		}
		for name, v := range doc.Event.EventData {
			if v != nil {
				fields = append(fields, fmt.Sprintf("%s=%v", strings.ReplaceAll(name, " ", ""), v))
			}
		}
		slices.Sort(fields)
		records = append(records, fields)
	}
}
