// Package otlp decodes OpenTelemetry logs from files: LogsData or export requests
// as JSON objects one behind the other (one a line or over lines), as one
// protobuf message, or as messages with their length in front (four bytes, big
// endian, as the collector's file exporter writes them). The encoding is told by
// the first byte.
//
// Each log record is one event: attributes of the resource, the scope and the
// record under their own names, nested ones joined by points; severity_text,
// event_name, trace_id and span_id if they are given; the body as body if it is
// text, else its parts under their own names. The time is time_unix_nano, else
// observed_time_unix_nano.
//
// It must never import a package above the event area.
package otlp
