// Package event is what one log record is to detection: the fields that loaded
// rules read, the log sources that it belongs to, its time, and its raw bytes.
//
// # How it flows
//
// The rules name the fields that they read; [NewSchema] gives each name a slot.
// A [Decoder] is made for a schema and a stream. Its Next fills one [Record],
// which is used again for the next: a steady stream allocates nothing.
//
//	schema := event.NewSchema(fields)      // the names that rules read
//	dec := webserver.New(reader, schema)   // extends the schema by what it needs itself
//	var rec event.Record
//	for {
//		err := dec.Next(&rec)
//		if err == io.EOF { break }
//		var bad *event.SkipError
//		if errors.As(err, &bad) { skipped++; continue } // this record alone
//		if err != nil { return err }                    // the stream ends here
//		match(&rec)
//	}
//
// # How a decoder is written
//
// Next calls [Record.Reset] with the decoder's schema, sets Raw and Kind, then
// calls [Record.Add] (or AddString) for each field under the name of the public
// Sigma taxonomy of that log source; a field that is given twice has two values.
// Fields that no rule reads are kept too, so that keyword search sees every
// value. Text that is a whole line goes to [Record.SetText]: keyword search
// reads it instead of the fields. Bytes handed over must stay as they are until
// the following Next; [Record.Keep] copies what would not. A decoder that can
// find fields again in Raw (JSON) fills slots alone and implements [Walker].
//
// Bounds are the decoder's: no record above [MaxRecord] bytes, no unbounded
// count or depth. What cannot be decoded is a [SkipError] for that record, with
// its number and reason; the next call goes on behind it. Only what leaves no
// way to go on (a read error, a damaged container) is another error.
//
// # Time
//
// One rule for all sources, in [ParseTime]: a zone that is written counts, a
// time without one is UTC; fractions to nanoseconds; numbers are seconds,
// milliseconds, microseconds or nanoseconds since 1970 by their size. A record
// without a readable time has none: nobody makes one up. A time without a year
// (syslog) is of the latest year that puts it no more than a day after the time of
// reading. What a clock says is kept as it is; who works on event time asks
// [Believable] first, so that a clock in 1970 or 2100 moves no window.
//
// This package is the ground of its area and must never import another room.
package event
