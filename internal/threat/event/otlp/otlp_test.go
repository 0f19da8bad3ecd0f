package otlp_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	logspb "go.opentelemetry.io/proto/otlp/logs/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	"google.golang.org/protobuf/proto"

	"github.com/rampart-sec/rampart/internal/threat/event"
	"github.com/rampart-sec/rampart/internal/threat/event/otlp"
)

func read(t testing.TB, in io.Reader) (out []string) {
	t.Helper()
	d := otlp.New(in, event.NewSchema([]string{"body"}), event.NewKind("app", nil, nil))
	var r event.Record
	for {
		err := d.Next(&r)
		var bad *event.SkipError
		switch {
		case err == io.EOF:
			return out
		case errors.As(err, &bad):
			reason, _, _ := strings.Cut(err.Error(), ": proto")
			out = append(out, "skipped "+reason)
			continue
		case err != nil:
			t.Fatal(err)
		}
		fields := []string{r.Time().Format(time.RFC3339Nano)}
		r.Walk(func(name []byte, v event.Value) bool {
			fields = append(fields, fmt.Sprintf("%s=%s", name, v.Raw))
			return true
		})
		out = append(out, strings.Join(fields, " "))
	}
}

func text(s string) *commonpb.AnyValue {
	return &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: s}}
}

// message has one record with a body.
func message(body string) []byte {
	b, err := proto.Marshal(&logspb.LogsData{ResourceLogs: []*logspb.ResourceLogs{{
		Resource: &resourcepb.Resource{Attributes: []*commonpb.KeyValue{{Key: "service.name", Value: text("shop")}}},
		ScopeLogs: []*logspb.ScopeLogs{{LogRecords: []*logspb.LogRecord{{
			TimeUnixNano: 1735787045000000001, SeverityText: "WARN", Body: text(body), TraceId: []byte{0xab, 0xcd},
			Attributes: []*commonpb.KeyValue{
				{Key: "n", Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_IntValue{IntValue: -5}}},
				{Key: "list", Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_ArrayValue{ArrayValue: &commonpb.ArrayValue{Values: []*commonpb.AnyValue{text("a"), text("b")}}}}},
				{Key: "map", Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_KvlistValue{KvlistValue: &commonpb.KeyValueList{Values: []*commonpb.KeyValue{{Key: "k", Value: text("v")}}}}}},
			},
		}}}},
	}}})
	if err != nil {
		panic(err)
	}
	return b
}

func fields(body string) string {
	return "2025-01-02T03:04:05.000000001Z service.name=shop n=-5 list=a list=b map.k=v severity_text=WARN trace_id=abcd body=" + body
}

func framed(list ...[]byte) (out []byte) {
	for _, b := range list {
		out = append(binary.BigEndian.AppendUint32(out, uint32(len(b))), b...)
	}
	return out
}

func TestProtobuf(t *testing.T) {
	for _, c := range []struct {
		name string
		in   []byte
		want []string
	}{
		{"one message", message("hi"), []string{fields("hi")}},
		{"as long as a brace", message(strings.Repeat("x", 10)), []string{fields(strings.Repeat("x", 10))}},
		{"framed", framed(message("a"), message("b")), []string{fields("a"), fields("b")}},
		{"one is broken", framed(message("a"), []byte("\xff\xff"), message("b")), []string{fields("a"), "skipped record 1 at byte 121: its batch is no OTLP logs", fields("b")}},
		{"cut off", framed(message("a"))[:50], []string{"skipped record 0 at byte 0: the input ends inside of its batch"}},
		{"nothing", nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := strings.Join(read(t, bytes.NewReader(c.in)), "\n")
			if want := strings.Join(c.want, "\n"); got != want {
				t.Errorf("\n got %s\nwant %s", got, want)
			}
		})
	}
}

func TestJSON(t *testing.T) {
	const one = `{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}]},"scopeLogs":[{"logRecords":[{"timeUnixNano":"1735787045000000001","traceId":"5b8efff798038103d269b633813fc60c","body":{"kvlistValue":{"values":[{"key":"cmd","value":{"stringValue":"a } b \" {"}}]}},"new":1}]}]}]}`
	const want = `2025-01-02T03:04:05.000000001Z service.name=shop trace_id=5b8efff798038103d269b633813fc60c cmd=a } b " {`
	got := strings.Join(read(t, strings.NewReader("\n"+one+"\n"+strings.ReplaceAll(one, ",", ",\n ")+"\nnoise\n{\"resourceLogs\":5}\n"+one+"\n{")), "\n")
	wanted := strings.Join([]string{want, want, "skipped record 2 at byte 639: it is no JSON object",
		"skipped record 3 at byte 645: its batch is no OTLP logs", want, "skipped record 5 at byte 977: the input ends inside of its batch"}, "\n")
	if got != wanted {
		t.Errorf("\n got %s\nwant %s", got, wanted)
	}
}

func FuzzDecoder(f *testing.F) {
	f.Add(message("a"))
	f.Add(framed(message("a"), message("b")))
	f.Add([]byte(`{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"arrayValue":{"values":[{}]}}}]}]}]}{`))
	f.Fuzz(func(t *testing.T, in []byte) {
		if n := len(read(t, bytes.NewReader(in))); n > len(in) {
			t.Errorf("%d records", n)
		}
	})
}
