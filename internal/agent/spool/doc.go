// Package spool keeps what an agent has seen until the server has it: a log of
// records in segments on disk, in lanes of different priority, bounded in size.
//
// # Promise
//
// A record whose [Spool.Append] returned without error is delivered at least
// once, or is part of a [Gap] that is. Sequence numbers count from 1 without
// holes within an (epoch, lane): what is delivered and the gaps add up to what
// was produced, exactly, whatever is killed when.
//
// When the spool is full, the oldest segment of the lowest lane gives way and a
// gap takes its place in the sequence. Gaps fit even on a full disk, since some
// space is reserved for them.
//
// # Durability
//
// Append returns after the operating system has the bytes: the death of the
// process loses nothing. Against a power cut, data are synced every
// [Options.SyncEvery], or before Append returns with SyncAlways. After a restart
// of the host that the spool did not survive cleanly it begins a new epoch, so
// that a number can never stand for two records.
//
// # On disk
//
// One folder a lane. A segment is a header and frames of length, CRC-32C,
// sequence and payload, little endian; a torn end is cut off when it is opened.
// A gap is a small file in the place of the segments that it stands for.
//
// A Spool is safe for concurrent use; each lane has one reader. The package must
// never import a server room.
package spool
