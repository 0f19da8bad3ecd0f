package evtx

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/rampart-sec/rampart/internal/threat/event"
	"github.com/rampart-sec/rampart/internal/threat/event/winxml"
)

// Tokens of binary XML ([MS-EVEN6] 2.2.12.1); hasMore is set on some of them.
const (
	tokenEOF          = 0x00
	tokenOpen         = 0x01
	tokenCloseStart   = 0x02
	tokenCloseEmpty   = 0x03
	tokenEnd          = 0x04
	tokenValue        = 0x05
	tokenAttribute    = 0x06
	tokenCDATA        = 0x07
	tokenCharRef      = 0x08
	tokenEntityRef    = 0x09
	tokenPITarget     = 0x0a
	tokenPIData       = 0x0b
	tokenTemplate     = 0x0c
	tokenSubstitution = 0x0d
	tokenOptional     = 0x0e
	tokenFragment     = 0x0f
	hasMore           = 0x40
)

// Bounds of one record.
const (
	maxTokens  = 200_000
	maxNesting = 16 // fragments and templates inside of values
	maxValues  = 4_096
)

var (
	errShort   = errors.New("its XML is cut off")
	errTokens  = errors.New("its XML has too many parts")
	errNesting = errors.New("its XML is nested too deep")
)

// parser interprets the binary XML of one chunk.
type parser struct {
	chunk   []byte
	out     *winxml.Fields
	names   map[uint32][]byte
	arena   []byte // of names
	scratch []byte // of one value
	attr    []byte // of one attribute
	values  []value
	tokens  int
	nesting int
}

// value is one value for a substitution.
type value struct {
	kind byte
	at   int
	size int
}

// reset makes the parser ready for a chunk.
func (p *parser) reset(chunk []byte) {
	if p.names == nil {
		p.names = map[uint32][]byte{}
	}
	clear(p.names)
	p.chunk, p.arena = chunk, nil
}

// fragment reads what stands between two places of the chunk.
func (p *parser) fragment(out *winxml.Fields, at, end int) error {
	p.out, p.tokens, p.nesting, p.values = out, 0, 0, p.values[:0]
	_, err := p.run(cursor{p: p, at: at, end: end, dependency: true}, nil)
	return err
}

// cursor is a place in the chunk and where what is read ends.
type cursor struct {
	p          *parser
	at, end    int
	dependency bool // elements have a dependency id
}

func (c *cursor) take(n int) ([]byte, error) {
	if n < 0 || c.at+n > c.end {
		return nil, errShort
	}
	b := c.p.chunk[c.at : c.at+n]
	c.at += n
	return b, nil
}

func (c *cursor) u8() (byte, error) {
	b, err := c.take(1)
	if err != nil {
		return 0, err
	}
	return b[0], nil
}

func (c *cursor) u16() (uint16, error) {
	b, err := c.take(2)
	if err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint16(b), nil
}

func (c *cursor) u32() (uint32, error) {
	b, err := c.take(4)
	if err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint32(b), nil
}

// run interprets tokens until EOF or the end; given are the values of the
// template that the tokens belong to.
func (p *parser) run(c cursor, given []value) (cursor, error) {
	if p.nesting++; p.nesting > maxNesting {
		return c, errNesting
	}
	defer func() { p.nesting-- }()
	for c.at < c.end {
		if p.tokens++; p.tokens > maxTokens {
			return c, errTokens
		}
		token, _ := c.u8()
		if token == tokenEOF {
			return c, nil
		}
		if err := p.token(&c, token, given); err != nil {
			return c, err
		}
	}
	return c, nil
}

func (p *parser) token(c *cursor, token byte, given []value) error {
	switch token &^ hasMore {
	case tokenFragment:
		_, err := c.take(3)
		return err
	case tokenOpen:
		return p.open(c, token&hasMore != 0, given)
	case tokenCloseStart:
		return nil
	case tokenCloseEmpty, tokenEnd:
		p.out.Close()
		return nil
	case tokenTemplate:
		return p.template(c)
	case tokenPITarget:
		_, err := c.name()
		return err
	case tokenPIData:
		_, err := c.counted()
		return err
	}
	return p.content(c, token, given)
}

// open reads an element's start and its attributes.
func (p *parser) open(c *cursor, attributes bool, given []value) error {
	if err := c.elementHead(); err != nil {
		return err
	}
	name, err := c.name()
	if err != nil {
		return err
	}
	if !p.out.Open(name) {
		return errNesting
	}
	if !attributes {
		return nil
	}
	if _, err := c.u32(); err != nil { // the size of the list
		return err
	}
	for c.at < c.end && p.chunk[c.at]&^hasMore == tokenAttribute {
		c.at++
		if err := p.attribute(c, given); err != nil {
			return err
		}
	}
	return nil
}

// elementHead skips the dependency id, which elements outside of templates may
// lack, and the size.
func (c *cursor) elementHead() error {
	with, without := c.nameFits(6), c.nameFits(4)
	if c.dependency && with || with && !without {
		c.at += 6
		return nil
	}
	if without {
		c.at += 4
		return nil
	}
	return errShort
}

// nameFits reports whether a name's place could stand some bytes ahead.
func (c *cursor) nameFits(ahead int) bool {
	if c.at+ahead+4 > c.end {
		return false
	}
	at := c.at + ahead
	place := int(binary.LittleEndian.Uint32(c.p.chunk[at:]))
	if place < chunkHeaderSize || place+8 > len(c.p.chunk) {
		return false
	}
	size := int(binary.LittleEndian.Uint16(c.p.chunk[place+6:]))
	return size > 0 && place+8+2*size <= len(c.p.chunk)
}

// name reads the place of a name and the name, which may follow at once.
func (c *cursor) name() ([]byte, error) {
	place, err := c.u32()
	if err != nil {
		return nil, err
	}
	at := int(place)
	if at < 0 || at+8 > len(c.p.chunk) {
		return nil, errors.New("a name of its XML is outside of the chunk")
	}
	size := int(binary.LittleEndian.Uint16(c.p.chunk[at+6:]))
	if at+8+2*size > len(c.p.chunk) {
		return nil, errors.New("a name of its XML is outside of the chunk")
	}
	if at == c.at {
		if _, err := c.take(8 + 2*size + 2); err != nil {
			return nil, err
		}
	}
	if name, ok := c.p.names[place]; ok {
		return name, nil
	}
	start := len(c.p.arena)
	c.p.arena = appendUTF16(c.p.arena, c.p.chunk[at+8:at+8+2*size])
	name := c.p.arena[start:len(c.p.arena):len(c.p.arena)]
	c.p.names[place] = name
	return name, nil
}

// counted reads a count of characters and the characters.
func (c *cursor) counted() ([]byte, error) {
	n, err := c.u16()
	if err != nil {
		return nil, err
	}
	return c.take(2 * int(n))
}

// attribute reads one attribute: its name and the tokens of its value.
func (p *parser) attribute(c *cursor, given []value) error {
	name, err := c.name()
	if err != nil {
		return err
	}
	p.attr = p.attr[:0]
	kind, parts := event.String, 0
	for c.at < c.end {
		token := p.chunk[c.at]
		switch token &^ hasMore {
		case tokenValue, tokenCDATA, tokenCharRef, tokenEntityRef, tokenSubstitution, tokenOptional:
			c.at++
			if p.tokens++; p.tokens > maxTokens {
				return errTokens
			}
			parts++
			if kind, err = p.attributePart(c, token, given); err != nil {
				return err
			}
			continue
		}
		break
	}
	if parts == 0 || len(p.attr) == 0 && kind == event.Null {
		return nil
	}
	if parts > 1 {
		kind = event.String
	}
	p.out.Attr(name, p.attr, kind)
	return nil
}

func (p *parser) attributePart(c *cursor, token byte, given []value) (event.Type, error) {
	start := p.attr
	text, kind, _, err := p.part(c, token, given)
	p.attr = append(start, text...)
	return kind, err
}

// content reads a token of an element's text.
func (p *parser) content(c *cursor, token byte, given []value) error {
	text, kind, v, err := p.part(c, token, given)
	if err != nil || kind == event.Null {
		return err
	}
	switch {
	case v != nil && v.kind == typeBinXML:
		return p.embedded(*v)
	case v != nil && v.kind&typeArray != 0:
		return p.array(*v)
	}
	p.out.Text(text, kind)
	return nil
}

// embedded reads binary XML that is a value.
func (p *parser) embedded(v value) error {
	_, err := p.run(cursor{p: p, at: v.at, end: v.at + v.size}, nil)
	return err
}

// part gives the text of a token: the value itself too if it has to be expanded.
func (p *parser) part(c *cursor, token byte, given []value) ([]byte, event.Type, *value, error) {
	p.scratch = p.scratch[:0]
	switch token &^ hasMore {
	case tokenValue:
		kind, err := c.u8()
		if err != nil {
			return nil, 0, nil, err
		}
		if kind != typeString {
			return nil, 0, nil, fmt.Errorf("its XML has a value of type %#x in its text", kind)
		}
		return p.utf16(c.counted())
	case tokenCDATA:
		return p.utf16(c.counted())
	case tokenCharRef:
		return p.utf16(c.take(2))
	case tokenEntityRef:
		name, err := c.name()
		return entity(name), event.String, nil, err
	case tokenSubstitution, tokenOptional:
		return p.substitution(c, given)
	}
	return nil, 0, nil, fmt.Errorf("its XML has the unknown token %#x", token)
}

func (p *parser) utf16(b []byte, err error) ([]byte, event.Type, *value, error) {
	p.scratch = appendUTF16(p.scratch, b)
	return p.scratch, event.String, nil, err
}

// entity is the character of a named entity; XML has five.
func entity(name []byte) []byte {
	switch string(name) {
	case "lt":
		return []byte("<")
	case "gt":
		return []byte(">")
	case "amp":
		return []byte("&")
	case "quot":
		return []byte(`"`)
	case "apos":
		return []byte("'")
	}
	return nil
}

func (p *parser) substitution(c *cursor, given []value) ([]byte, event.Type, *value, error) {
	b, err := c.take(3) // the number, and the type that the template expects
	if err != nil {
		return nil, 0, nil, err
	}
	i := int(binary.LittleEndian.Uint16(b))
	if i >= len(given) {
		return nil, event.Null, nil, nil
	}
	v := &given[i]
	if v.kind == typeNull || v.kind == typeBinXML || v.kind&typeArray != 0 {
		kind := event.String
		if v.kind == typeNull || v.size == 0 {
			kind = event.Null
		}
		return nil, kind, v, nil
	}
	var kind event.Type
	p.scratch, kind, err = appendValue(p.scratch, v.kind, p.chunk[v.at:v.at+v.size])
	return p.scratch, kind, v, err
}

// array gives the items of an array value one by one.
func (p *parser) array(v value) error {
	return eachItem(v.kind&^typeArray, p.chunk[v.at:v.at+v.size], func(item []byte) error {
		if p.tokens++; p.tokens > maxTokens {
			return errTokens
		}
		text, kind, err := appendValue(p.scratch[:0], v.kind&^typeArray, item)
		p.scratch = text
		if err == nil {
			p.out.Item(text, kind)
		}
		return err
	})
}

// template reads an instance of a template: where its definition stands, and the
// values; then it runs the definition.
func (p *parser) template(c *cursor) error {
	if _, err := c.take(1 + 4); err != nil { // a constant and the short id
		return err
	}
	place, err := c.u32()
	if err != nil {
		return err
	}
	at := int(place)
	const head = 4 + 16 + 4 // next in the table, id, size
	if at < 0 || at+head > len(p.chunk) {
		return errors.New("its template is outside of the chunk")
	}
	size := int(binary.LittleEndian.Uint32(p.chunk[at+20:]))
	if size < 0 || at+head+size > len(p.chunk) {
		return errors.New("its template is outside of the chunk")
	}
	if at == c.at { // defined here
		if _, err := c.take(head + size); err != nil {
			return err
		}
	}
	mark := len(p.values)
	if err := p.readValues(c); err != nil {
		return err
	}
	given := p.values[mark:len(p.values):len(p.values)]
	_, err = p.run(cursor{p: p, at: at + head, end: at + head + size, dependency: true}, given)
	p.values = p.values[:mark]
	return err
}

// readValues reads the values of a template instance.
func (p *parser) readValues(c *cursor) error {
	n, err := c.u32()
	if err != nil {
		return err
	}
	if n > maxValues {
		return fmt.Errorf("its template has %d values", n)
	}
	table, err := c.take(4 * int(n))
	if err != nil {
		return err
	}
	for ; len(table) > 0; table = table[4:] {
		v := value{kind: table[2], at: c.at, size: int(binary.LittleEndian.Uint16(table))}
		if _, err := c.take(v.size); err != nil {
			return err
		}
		p.values = append(p.values, v)
	}
	return nil
}
