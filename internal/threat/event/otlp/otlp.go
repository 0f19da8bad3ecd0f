package otlp

import (
	"bufio"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	logspb "go.opentelemetry.io/proto/otlp/logs/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/rampart-sec/rampart/internal/threat/event"
)

// maxDepth is how deep values may be nested.
const maxDepth = 32

// Decoder reads the log records of one stream.
type Decoder struct {
	in     frames
	schema *event.Schema
	kind   *event.Kind
	batch  logspb.LogsData
	left   []entry // of the batch at hand
	index  int
}

// entry is a log record and what it belongs to.
type entry struct {
	resource *logspb.ResourceLogs
	scope    *logspb.ScopeLogs
	record   *logspb.LogRecord
}

// New makes a decoder of records of one log source.
func New(in io.Reader, s *event.Schema, kind *event.Kind) event.Decoder {
	return &Decoder{in: frames{in: bufio.NewReaderSize(in, 64<<10)}, schema: s, kind: kind}
}

// Next fills r with the next log record.
func (d *Decoder) Next(r *event.Record) error {
	for len(d.left) == 0 {
		if err := d.read(); err != nil {
			return err
		}
	}
	e := d.left[0]
	d.left = d.left[1:]
	r.Reset(d.schema)
	r.Kind = d.kind
	raw, err := protojson.Marshal(e.record)
	if err != nil {
		return d.skip(err)
	}
	r.Raw = raw
	d.fill(r, e)
	d.index++
	return nil
}

// read takes the next batch.
func (d *Decoder) read() error {
	b, err := d.in.next()
	switch {
	case errors.Is(err, errLong), err == errCut, err == errNoObject:
		return d.skip(err)
	case err != nil:
		return err
	}
	d.batch.Reset()
	if d.in.json {
		err = protojson.UnmarshalOptions{DiscardUnknown: true}.Unmarshal(b, &d.batch)
	} else {
		err = proto.Unmarshal(b, &d.batch)
	}
	if err != nil {
		return d.skip(fmt.Errorf("its batch is no OTLP logs: %w", err))
	}
	for _, resource := range d.batch.GetResourceLogs() {
		for _, scope := range resource.GetScopeLogs() {
			for _, record := range scope.GetLogRecords() {
				d.left = append(d.left, entry{resource, scope, record})
			}
		}
	}
	return nil
}

func (d *Decoder) skip(err error) error {
	d.index++
	return &event.SkipError{Index: d.index - 1, Offset: d.in.at, Reason: err.Error()}
}

func (d *Decoder) fill(r *event.Record, e entry) {
	if n := stamp(e.record); n > 0 {
		r.SetTime(time.Unix(0, int64(n)).UTC())
	}
	attributes(r, "", e.resource.GetResource().GetAttributes(), 0)
	add(r, "scope", e.scope.GetScope().GetName())
	attributes(r, "", e.scope.GetScope().GetAttributes(), 0)
	attributes(r, "", e.record.GetAttributes(), 0)
	add(r, "severity_text", e.record.GetSeverityText())
	add(r, "event_name", e.record.GetEventName())
	add(r, "trace_id", d.id(e.record.GetTraceId()))
	add(r, "span_id", d.id(e.record.GetSpanId()))
	if kv, ok := e.record.GetBody().GetValue().(*commonpb.AnyValue_KvlistValue); ok {
		attributes(r, "", kv.KvlistValue.GetValues(), 0)
		return
	}
	addValue(r, "body", e.record.GetBody(), 0)
}

// stamp is the time of a record in nanoseconds, 0 if it has none.
func stamp(r *logspb.LogRecord) uint64 {
	n := r.GetTimeUnixNano()
	if n == 0 {
		n = r.GetObservedTimeUnixNano()
	}
	if n > 1<<63-1 {
		return 0
	}
	return n
}

// id is an id as hexadecimal. JSON has it so already (OTLP departs from protobuf's
// base64 there), so what the parser took for base64 is written back.
func (d *Decoder) id(b []byte) string {
	if d.in.json {
		return base64.StdEncoding.EncodeToString(b)
	}
	return hex.EncodeToString(b)
}

func add(r *event.Record, name, value string) {
	if value != "" {
		r.AddString(name, value)
	}
}

func attributes(r *event.Record, prefix string, list []*commonpb.KeyValue, depth int) {
	for _, kv := range list {
		addValue(r, prefix+kv.GetKey(), kv.GetValue(), depth)
	}
}

// addValue adds a value; lists are several values, maps several fields.
func addValue(r *event.Record, name string, v *commonpb.AnyValue, depth int) {
	if depth > maxDepth {
		return
	}
	typed := func(text string, kind event.Type) {
		r.AddValue(r.Keep([]byte(name)), event.Value{Raw: r.Keep([]byte(text)), Type: kind})
	}
	switch x := v.GetValue().(type) {
	case *commonpb.AnyValue_StringValue:
		typed(x.StringValue, event.String)
	case *commonpb.AnyValue_BoolValue:
		typed(strconv.FormatBool(x.BoolValue), event.Bool)
	case *commonpb.AnyValue_IntValue:
		typed(strconv.FormatInt(x.IntValue, 10), event.Number)
	case *commonpb.AnyValue_DoubleValue:
		typed(strconv.FormatFloat(x.DoubleValue, 'g', -1, 64), event.Number)
	case *commonpb.AnyValue_BytesValue:
		typed(hex.EncodeToString(x.BytesValue), event.String)
	case *commonpb.AnyValue_ArrayValue:
		for _, item := range x.ArrayValue.GetValues() {
			addValue(r, name, item, depth+1)
		}
	case *commonpb.AnyValue_KvlistValue:
		attributes(r, name+".", x.KvlistValue.GetValues(), depth+1)
	}
}
