package inventory

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"github.com/rampart-sec/rampart/internal/base/wire"
)

// splitter cuts a stream into the texts of single documents, whatever it is
// wrapped in: JSON Lines, an array, an object whose "value", "data" or
// "resources" is the array, or several of these after one another. It never
// holds more than a window of the stream and finds its way back after a
// broken document where line ends allow it.
type splitter struct {
	r        *bufio.Reader
	line     int  // of the next byte, from 1
	column   int  // of the next byte, from 0
	blank    bool // nothing but white space is before it on its line
	next     func() (piece, error)
	wrapped  bool      // the open array is a member of an object
	template *template // what the wrapper says, if it is an ARM template
}

// piece is one document's text, or the reason why there is none. Neither is a
// step that found no document; the next one may.
type piece struct {
	text     []byte
	line     int
	template *template
	bad      string
}

// window is how much of the stream may be looked at before it is decided what
// it is, and the longest line: a document and its envelope fit.
const window = wire.MaxBody + 1<<20

// newSplitter reads UTF-8, and UTF-16 with a byte order mark, as a redirect in
// PowerShell writes it; either may be packed with gzip.
func newSplitter(r io.Reader) *splitter {
	s := &splitter{line: 1, blank: true}
	s.r = bufio.NewReaderSize(transform.NewReader(newUnpacker(r), unicode.BOMOverride(transform.Nop)), window)
	s.next = s.open
	return s
}

// open looks what comes next and chooses how to cut it.
func (s *splitter) open() (piece, error) {
	if err := s.skipSpace(); err != nil {
		return piece{}, err
	}
	for n := 64 << 10; ; n *= 2 {
		head, err := s.r.Peek(min(n, window))
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, bufio.ErrBufferFull) {
			return piece{}, err
		}
		whole := err != nil || n >= window
		f, ok := detect(head, whole)
		if !ok {
			continue
		}
		s.skip(f.skip)
		s.wrapped, s.template = f.wrapped, f.template
		s.next = f.cut(s)
		return piece{}, nil
	}
}

// lines cuts JSON Lines: a line is a document, however broken it is.
func (s *splitter) lines() (piece, error) {
	line, err := s.r.ReadSlice('\n')
	p := piece{line: s.line}
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		p.bad = tooLarge
		err = s.dropLine()
	case err == nil || errors.Is(err, io.EOF) && len(line) > 0:
		p.text, err = bytes.TrimSpace(line), nil
	}
	s.line++
	s.column = 0
	return p, err
}

const tooLarge = "it is larger than the limit of 4 MB"

func (s *splitter) dropLine() error {
	for {
		_, err := s.r.ReadSlice('\n')
		switch {
		case err == nil, errors.Is(err, io.EOF):
			return nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return err
		}
	}
}

// objects cuts objects that follow one another over several lines each.
func (s *splitter) objects() (piece, error) {
	if err := s.skipSpace(); err != nil {
		return piece{}, err
	}
	return s.element()
}

// elements cuts the elements of an open array.
func (s *splitter) elements() (piece, error) {
	for {
		if err := s.skipSpace(); err != nil {
			return piece{}, unclosed(err)
		}
		b, _ := s.r.Peek(1) // there is one: skipSpace saw it
		switch b[0] {
		case ',':
			s.skip(1)
		case ']':
			s.skip(1)
			s.next = s.open
			if s.wrapped {
				s.next = s.closeWrapper
			}
			return piece{}, nil
		default:
			return s.element()
		}
	}
}

func unclosed(err error) error {
	if errors.Is(err, io.EOF) {
		return errors.New("the file ends before its array does: it was cut off")
	}
	return err
}

// closeWrapper passes over what follows the array in its object.
func (s *splitter) closeWrapper() (piece, error) {
	s.wrapped, s.template = false, nil
	depth, inText := 1, false
	for depth > 0 {
		c, err := s.byte()
		if err != nil {
			return piece{}, unclosed(err)
		}
		switch {
		case inText && c == '\\':
			_, _ = s.byte() // an error comes again
		case c == '"':
			inText = !inText
		case inText:
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			depth--
		}
	}
	s.next = s.open
	return piece{}, nil
}

// element reads one value by its brackets. Where the element began a line, a
// line that begins another one at the same place ends it: it is broken, its
// neighbour is not.
func (s *splitter) element() (piece, error) {
	e := element{piece: piece{line: s.line, template: s.template}, indent: s.column, aligned: s.blank}
	for {
		c, err := s.byte()
		if err != nil {
			e.bad = "the file ends in the middle of it"
			return e.piece, ignoreEOF(err)
		}
		if c == '\n' && (e.inText || e.aligned && s.startsObject(e.indent)) {
			return s.recover(&e)
		}
		e.add(c)
		if e.ended(c) {
			return e.piece, nil
		}
		if !e.object && !e.inText && e.depth == 0 && s.scalarEnds() {
			e.bad = "it is not a JSON object"
			return e.piece, nil
		}
	}
}

func ignoreEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// element is an element being read.
type element struct {
	piece
	indent  int
	aligned bool // it is the first on its line
	object  bool
	inText  bool
	escaped bool
	depth   int
}

func (e *element) add(c byte) {
	switch {
	case len(e.text) < window && e.bad == "":
		e.text = append(e.text, c)
	case e.bad == "":
		e.bad, e.text = tooLarge, nil
	}
	switch {
	case e.escaped:
		e.escaped = false
	case e.inText && c == '\\':
		e.escaped = true
	case c == '"':
		e.inText = !e.inText
	case e.inText:
	case c == '{' || c == '[':
		e.object = true
		e.depth++
	case c == '}' || c == ']':
		e.depth--
	}
}

func (e *element) ended(c byte) bool {
	return e.object && e.depth <= 0 && !e.inText && (c == '}' || c == ']')
}

// recover goes on at the next line that begins an object where the broken
// element began, or ends the array.
func (s *splitter) recover(e *element) (piece, error) {
	e.bad = fmt.Sprintf("it is broken: line %d ends in the middle of it", s.line-1)
	if !e.aligned {
		return e.piece, errors.New(e.bad + ", and the rest of the array cannot be told apart")
	}
	for !s.startsObject(e.indent) && !s.endsArray(e.indent) {
		if err := s.toNextLine(); err != nil {
			return e.piece, ignoreEOF(err)
		}
	}
	return e.piece, nil
}

func (s *splitter) toNextLine() error {
	for {
		if c, err := s.byte(); err != nil || c == '\n' {
			return err
		}
	}
}

// startsObject reports whether the line at hand begins an object at column
// indent.
func (s *splitter) startsObject(indent int) bool {
	b, _ := s.r.Peek(indent + 1) // short at the end of the stream
	return len(b) == indent+1 && b[indent] == '{' && len(bytes.TrimLeft(b[:indent], " \t")) == 0
}

func (s *splitter) endsArray(indent int) bool {
	b, _ := s.r.Peek(indent + 1)
	b = bytes.TrimLeft(b, " \t")
	return len(b) > 0 && b[0] == ']'
}

// scalarEnds: the byte after a number or word that stands where an object
// should.
func (s *splitter) scalarEnds() bool {
	b, _ := s.r.Peek(1)
	return len(b) == 0 || bytes.IndexByte([]byte(",]} \t\r\n"), b[0]) >= 0
}

// byte takes the next byte and keeps count of where it is.
func (s *splitter) byte() (byte, error) {
	c, err := s.r.ReadByte()
	if err != nil {
		return 0, err
	}
	switch c {
	case '\n':
		s.line, s.column, s.blank = s.line+1, 0, true
	case ' ', '\t', '\r':
		s.column++
	default:
		s.column, s.blank = s.column+1, false
	}
	return c, nil
}

func (s *splitter) skip(n int) {
	for range n {
		_, _ = s.byte() // it was peeked at
	}
}

func (s *splitter) skipSpace() error {
	for {
		b, err := s.r.Peek(1)
		if err != nil {
			return err
		}
		switch b[0] {
		case ' ', '\t', '\r', '\n':
			_, _ = s.byte()
		default:
			return nil
		}
	}
}
