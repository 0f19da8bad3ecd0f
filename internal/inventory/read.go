package inventory

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/rampart-sec/rampart/internal/wire"
)

// Read decodes the formats of Import without storing anything and hands each
// document, or the rejection of a broken one, to each, in order. The document
// is the receiver's to keep. The error is the stream's; documents before it
// have been handed out.
func Read(r io.Reader, now time.Time, source string, each func(wire.Document, *Rejection)) error {
	p := pipeline{now: now, source: source}
	s := newSplitter(r)
	for {
		c, err := p.fill(s)
		for i := range c.pieces {
			doc, bad := p.document(&c.pieces[i])
			each(doc, bad)
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("read documents: %w", err)
		}
	}
}

// document decodes one piece of the stream.
func (p *pipeline) document(x *piece) (wire.Document, *Rejection) {
	if x.bad != "" {
		return wire.Document{}, &Rejection{Line: x.line, Reason: x.bad}
	}
	decode := Decode
	if x.template != nil {
		decode = x.template.decode
	}
	doc, err := decode(x.text, p.now, p.source)
	if err != nil {
		return doc, &Rejection{Line: x.line, ID: clip(doc.ID), Reason: err.Error()}
	}
	return doc, nil
}
