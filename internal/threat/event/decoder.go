package event

import "fmt"

// MaxRecord is the most bytes that one record may have. Longer ones are skipped.
const MaxRecord = 16 << 20

// Decoder gives the records of one stream, one after the other. It is not safe
// for concurrent use.
type Decoder interface {
	// Next fills r with the next record and is the owner of what r holds until
	// it is called again. It gives io.EOF after the last record, a *SkipError for
	// one that cannot be decoded (the next call goes on behind it), and any other
	// error when the stream cannot go on.
	Next(r *Record) error
}

// SkipError says why one record of a stream was left out.
type SkipError struct {
	Index  int   // 0-based number of the record in its stream, skipped ones counted
	Offset int64 // byte where it starts, -1 if unknown
	Reason string
}

// Error is one line.
func (e *SkipError) Error() string {
	if e.Offset < 0 {
		return fmt.Sprintf("record %d: %s", e.Index, e.Reason)
	}
	return fmt.Sprintf("record %d at byte %d: %s", e.Index, e.Offset, e.Reason)
}

// Walker finds all fields of a record again, for what looks at every value:
// keyword search, explanations. Decoders that only fill slots implement it.
type Walker interface {
	// Walk calls fn with each field of r, as Record.Walk does.
	Walk(r *Record, fn func(name []byte, v Value) bool)
}
