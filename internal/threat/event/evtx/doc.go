// Package evtx decodes the binary event logs of Windows (.evtx) as a stream: one
// chunk of 64 KiB in memory at a time, each record interpreted in place.
//
// A file is a header and chunks; a chunk has a header with checksums, a table of
// names, a table of templates, and records; a record is a fragment of binary XML
// ([MS-EVEN6] 2.2.12), most often an instance of a template that stands anywhere
// in the same chunk and the values for its substitutions. Elements go to
// [winxml.Fields], so fields have the names that the JSON of the same event has.
// Values are written as in that JSON: GUIDs without braces, flags as 0x and
// digits, times in UTC to the microsecond.
//
// What is damaged is named and left out alone: a chunk whose checksum differs is
// reported and its records are still tried one by one; where the header of a
// chunk is gone its records are found by their signature and by their size, which
// stands at both ends. Logs that were copied while they were written to (the
// header's dirty flag) may have checksums that are out of date, which is not
// reported.
//
// It must never import a package above the event area.
package evtx
