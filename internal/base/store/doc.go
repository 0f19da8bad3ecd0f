// Package store keeps everything Rampart must not lose, in SQL: resource
// documents, the change feed, control objects, score and history rows, tenants,
// settings, leases and the audit trail. One package, two engines: SQLite in the
// data directory, or PostgreSQL by URL. The SQL is portable and shared; where
// the engines differ the file is named after the engine, and one contract
// suite runs on both.
//
// It is ground: it may import arm and wire, never anything above them.
package store
