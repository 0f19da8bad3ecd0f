package store

import (
	"crypto/sha256"
	"strings"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/wire"
)

// Prepared is a document made ready for writing: everything that needs no
// transaction has been done.
type Prepared struct {
	doc         wire.Document
	id          arm.ID
	key         key
	digest      []byte
	unavailable string
	body        []byte
}

// Prepare parses ids, hashes and compresses. Documents must be valid (package
// inventory sees to that); an id that is not fails the call.
func Prepare(docs []wire.Document) ([]Prepared, error) {
	ps := make([]Prepared, len(docs))
	for i := range docs {
		id, err := parseID(docs[i].ID)
		if err != nil {
			return nil, err
		}
		ps[i] = prepare(docs[i], id)
	}
	return ps, nil
}

func prepare(doc wire.Document, id arm.ID) Prepared {
	p := Prepared{doc: doc, id: id, key: keyOf(id), digest: []byte{}}
	p.doc.ID = id.String()
	if doc.Deleted {
		p.body = []byte{}
		return p
	}
	p.unavailable, p.body = strings.Join(doc.Unavailable, "\n"), compress(doc.Body)
	p.digest = digest(&p)
	return p
}

// digest tells whether anything that a reader can see has changed.
func digest(p *Prepared) []byte {
	h := sha256.New()
	for _, s := range []string{p.doc.ID, p.doc.Type, p.doc.APIVersion, p.unavailable} {
		_, _ = h.Write([]byte(s)) // a hash never fails
		_, _ = h.Write([]byte{0})
	}
	_, _ = h.Write(p.doc.Body)
	return h.Sum(nil)[:16]
}
