package store

import (
	"context"
	"strings"
)

// dialect is where the engines differ. Everything else is shared SQL. It has
// more methods than our interfaces usually do because it is the one seam
// between two engines; each is a few lines.
type dialect interface {
	// schema rewrites the portable type names of a migration.
	schema(ddl string) string
	// lockSchema makes concurrent migrations of one database wait in turn.
	lockSchema(ctx context.Context, tx *Tx) error
	// beginWrite and beginRead are the statements that open a transaction.
	beginWrite() string
	beginRead() string
	// queue makes transactions that lost before run one after another, so that
	// the same ones do not lose against each other again.
	queue(ctx context.Context, tx *Tx) error
	// forUpdate is the row lock clause of a select that precedes an update.
	forUpdate() string
	// handles takes n fresh resource handles and returns the first.
	handles(ctx context.Context, tx *Tx, n int) ([]uint32, error)
	// inKeys completes "... WHERE col " for a list of keys.
	inKeys(keys [][]byte) (clause string, args []any)
	// inHandles is inKeys for handles. Parameters are numbered on from $2 for
	// keys, from $1 for handles.
	inHandles(hs []uint32) (clause string, args []any)
	// insertResources writes rows of ids that do not exist.
	insertResources(ctx context.Context, tx *Tx, rows []row) error
	// updateResources rewrites existing rows by handle.
	updateResources(ctx context.Context, tx *Tx, rows []row) error
	// retriable reports whether the transaction lost against another and may
	// succeed when run again.
	retriable(error) bool
	// explain turns the engine's words for an operator's problem into ours.
	explain(error) error
}

func cutScheme(url string) (scheme, rest string) {
	scheme, rest, ok := strings.Cut(url, ":")
	if !ok {
		return "", url
	}
	return scheme, rest
}
