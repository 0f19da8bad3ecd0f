// Package jsonlog reads streams of JSON log records: JSON Lines, several objects
// back to back, one array, or an object around a list, told apart by what comes.
//
// A [Layout] says where the fields of a source are. Compiled for a schema it is a
// tree of the keys that lead to fields which rules read; one pass over a record
// checks its JSON and fills just those slots with parts of the input. Nothing is
// decoded that nobody asks for.
//
// The reader is lenient where that loses nothing: control characters and invalid
// UTF-8 inside strings are taken as they are; commas between records may be
// missing. A record that is no JSON is skipped alone: reading goes on with the
// next line that starts a record at the same indentation, in an array behind the
// bad element.
//
// It must never import a package other than event.
package jsonlog
