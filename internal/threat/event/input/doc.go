// Package input opens what events come in: plain files and streams, gzip and
// zstd, and zip and tar archives whose members are read one after the other. What it is,
// the first bytes say, not the name. UTF-16 with a byte order mark becomes UTF-8.
//
// Nothing is unpacked to memory or disk (a zip archive from a pipe is kept in a
// temporary file). What unpacks to far more than it is, has too many members, is
// encrypted, or is an archive in an archive is refused by name: reading it gives
// the reason, and the rest goes on.
//
// It must never import a package above the event area.
package input
