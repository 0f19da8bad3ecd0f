package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
)

// lookupChunk is how many keys one select asks for: enough to amortise the
// statement, few enough that a rest padded to it costs nothing.
const lookupChunk = 256

// stored looks up the rows of the given keys.
func (tx *Tx) stored(ctx context.Context, tenant int64, ps []Prepared) (map[key]*storedRow, error) {
	have := make(map[key]*storedRow)
	for chunk := range slices.Chunk(ps, lookupChunk) {
		in, args := tx.db.inKeys(padKeys(chunk))
		q := `SELECT r.id_key, r.handle, r.id, r.source, r.deleted_at, r.digest, r.source_version, r.observed_at,
			(SELECT m.source_version FROM marks m WHERE m.handle = r.handle),
			(SELECT m.observed_at FROM marks m WHERE m.handle = r.handle)
			FROM resources r WHERE r.tenant = $1 AND r.id_key ` + in + ` ORDER BY r.id_key` + tx.db.forUpdate()
		rows, err := tx.query(ctx, q, append([]any{tenant}, args...)...)
		if err != nil {
			return nil, fmt.Errorf("look up keys: %w", err)
		}
		if err := tx.fail(scanStored(rows, have)); err != nil {
			return nil, fmt.Errorf("look up keys: %w", err)
		}
	}
	return have, nil
}

func scanStored(rows *sql.Rows, have map[key]*storedRow) error {
	defer rows.Close()
	for rows.Next() {
		var k []byte
		var s storedRow
		var markVersion, markObserved sql.NullInt64
		err := rows.Scan(&k, &s.handle, &s.id, &s.source, &s.deletedAt, &s.digest, &s.seen.version, &s.seen.at, &markVersion, &markObserved)
		if err != nil {
			return err
		}
		if len(k) != keySize {
			return errors.New("a stored key has the wrong size")
		}
		s.seen = s.seen.marked(markVersion, markObserved)
		have[key(k)] = &s
	}
	return rows.Err()
}

// padKeys repeats the last key up to a full chunk, so that one prepared
// statement serves every length beyond a few.
func padKeys(ps []Prepared) [][]byte {
	keys := make([][]byte, padded(len(ps)))
	for i := range keys {
		keys[i] = ps[min(i, len(ps)-1)].key[:]
	}
	return keys
}

func padHandles(hs []uint32) []uint32 {
	out := make([]uint32, padded(len(hs)))
	for i := range out {
		out[i] = hs[min(i, len(hs)-1)]
	}
	return out
}

func padded(n int) int {
	for _, size := range []int{1, 8, 64} {
		if n <= size {
			return size
		}
	}
	return lookupChunk
}

// IDs are the ids of documents by handle, deleted ones included as long as their
// tombstones are kept. Unknown handles are left out.
func (tx *Tx) IDs(ctx context.Context, handles []uint32) (map[uint32]string, error) {
	ids := make(map[uint32]string, len(handles))
	for chunk := range slices.Chunk(handles, lookupChunk) {
		in, args := tx.db.inHandles(padHandles(chunk))
		_, err := collect(ctx, tx, func(r *sql.Rows) (struct{}, error) {
			var handle uint32
			var id string
			err := r.Scan(&handle, &id)
			ids[handle] = id
			return struct{}{}, err
		}, `SELECT handle, id FROM resources WHERE handle `+in, args...)
		if err != nil {
			return nil, fmt.Errorf("read ids: %w", err)
		}
	}
	return ids, nil
}
