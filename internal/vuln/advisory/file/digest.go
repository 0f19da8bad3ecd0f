package file

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"

	"github.com/rampart-sec/rampart/internal/vuln/advisory/exploit"
)

// Digest is a checksum of all that a file says by one advisory. It does not
// depend on the order or on the rest of the file.
type Digest struct {
	Feed, ID string
	Sum      [sha256.Size]byte
}

// Digests sums up every advisory with its claims, sorted by feed and id.
func (r *Reader) Digests() ([]Digest, error) {
	list := make([]Digest, r.Len())
	for i := range list {
		raw, err := r.rawAdvisory(i)
		if err != nil {
			return nil, err
		}
		a, feed, err := decodeAdvisory(raw)
		if err != nil {
			return nil, err
		}
		list[i] = Digest{feed, a.ID, sha256.Sum256([]byte(raw))}
	}
	err := r.eachClaim(func(key string, ref int, raw string) error {
		if ref >= len(list) {
			return ErrDamaged
		}
		sum := sha256.Sum256([]byte(key + "\x00" + raw))
		for i, b := range sum { // claims have no order
			list[ref].Sum[i] ^= b
		}
		return nil
	})
	slices.SortFunc(list, func(a, b Digest) int { return cmp.Or(cmp.Compare(a.Feed, b.Feed), cmp.Compare(a.ID, b.ID)) })
	return list, err
}

// State is one name for all digests.
func State(list []Digest) string {
	h := sha256.New()
	for _, d := range list {
		h.Write([]byte(d.Feed + "\x00" + d.ID + "\x00"))
		h.Write(d.Sum[:])
	}
	return hex.EncodeToString(h.Sum(nil))
}

// CopyFacts adds what another file knows of the exploitation of CVEs; scores and
// severities come with advisories.
func (w *Writer) CopyFacts(r *Reader) {
	r.EachFact(func(cve string, f exploit.Facts) {
		if !f.Added.IsZero() || f.EPSS > 0 {
			w.SetFacts(cve, exploit.Facts{Added: f.Added, EPSS: f.EPSS})
		}
	})
}
