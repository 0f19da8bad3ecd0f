// Package lines reads logs line by line within bounds: [Reader] gives lines
// without copying them, [Decoder] makes records of sources that have one record
// a line.
//
// Lines are bytes. Text that is no valid UTF-8 is no reason to leave a line out:
// whoever writes into a log could hide behind one wrong byte. What is too long
// is named and left out alone.
//
// It must never import a package above the event area.
package lines
