package rpmdb

import (
	"encoding/binary"
	"errors"
	"io"
)

// A reader for one purpose: the rows of one table of an SQLite database that
// nobody writes to (SQLite database file format, sections 1 and 2). A whole
// engine would more than double the agent.

var errSQLite = errors.New("damaged sqlite database")

// Bounds of a database; rpm's own are far below.
const (
	maxTreeDepth = 20
	maxRows      = 1 << 20
	maxRowBytes  = 64 << 20
)

const sqliteMagic = "SQLite format 3\x00"

type sqliteFile struct {
	r        io.ReaderAt
	pageSize int
	usable   int // bytes of a page without the reserved tail
	pages    uint32
	read     uint32 // pages read; a damaged tree may name one again and again
}

// openSQLite reads the header of a database of total bytes.
func openSQLite(r io.ReaderAt, total int64) (*sqliteFile, error) {
	head := make([]byte, 100)
	if _, err := r.ReadAt(head, 0); err != nil || string(head[:16]) != sqliteMagic {
		return nil, errSQLite
	}
	size := int(binary.BigEndian.Uint16(head[16:]))
	if size == 1 {
		size = 65536
	}
	if size < 512 || size&(size-1) != 0 || size-int(head[20]) < 480 {
		return nil, errSQLite
	}
	return &sqliteFile{r: r, pageSize: size, usable: size - int(head[20]), pages: uint32(min(total/int64(size), 1<<31))}, nil
}

// table calls each row's record of a table, in order of its keys, until each
// returns an error.
func (s *sqliteFile) table(name string, each func(record []byte) error) error {
	root := uint32(0)
	err := s.walk(1, 0, func(record []byte) error {
		cols, err := sqliteColumns(record, 5)
		if err == nil && string(cols[0].text) == "table" && string(cols[1].text) == name {
			root = uint32(cols[3].number)
		}
		return err
	})
	if err != nil {
		return err
	}
	if root == 0 {
		return errSQLite
	}
	return s.walk(root, 0, each)
}

// page reads page n, counted from 1. Each page is read at most a few times in
// a sound file; far more means a loop.
func (s *sqliteFile) page(n uint32) ([]byte, error) {
	if n == 0 || n > s.pages || s.read > 2*s.pages+16 {
		return nil, errSQLite
	}
	s.read++
	p := make([]byte, s.pageSize)
	if _, err := s.r.ReadAt(p, int64(n-1)*int64(s.pageSize)); err != nil {
		return nil, errSQLite
	}
	return p, nil
}

// walk visits the leaves of a table's tree from left to right.
func (s *sqliteFile) walk(n uint32, depth int, each func([]byte) error) error {
	p, err := s.page(n)
	if err != nil || depth > maxTreeDepth {
		return errSQLite
	}
	h := p
	if n == 1 {
		h = p[100:]
	}
	interior, cells := h[0] == 5, int(binary.BigEndian.Uint16(h[3:]))
	at := len(p) - len(h) + 8
	if interior {
		at += 4
	}
	if !interior && h[0] != 13 || at+2*cells > len(p) {
		return errSQLite
	}
	for i := range cells {
		cell := int(binary.BigEndian.Uint16(p[at+2*i:]))
		if cell+4 > s.usable {
			return errSQLite
		}
		if interior {
			err = s.walk(binary.BigEndian.Uint32(p[cell:]), depth+1, each)
		} else {
			err = s.leaf(p[cell:s.usable:s.usable], each)
		}
		if err != nil {
			return err
		}
	}
	if interior {
		return s.walk(binary.BigEndian.Uint32(h[8:]), depth+1, each)
	}
	return nil
}

// leaf joins a row's record: what lies in the cell, then overflow pages.
func (s *sqliteFile) leaf(cell []byte, each func([]byte) error) error {
	size, n := sqliteVarint(cell)
	_, m := sqliteVarint(cell[n:])
	cell = cell[n+m:]
	if n == 0 || m == 0 || size > maxRowBytes {
		return errSQLite
	}
	local, total := s.local(int(size)), int(size)
	if local > len(cell) {
		return errSQLite
	}
	if local == total {
		return each(cell[:local])
	}
	if local+4 > len(cell) {
		return errSQLite
	}
	record := append(make([]byte, 0, local), cell[:local]...)
	next := binary.BigEndian.Uint32(cell[local:])
	for len(record) < total {
		p, err := s.page(next)
		if err != nil {
			return err
		}
		record = append(record, p[4:4+min(s.usable-4, total-len(record))]...)
		next = binary.BigEndian.Uint32(p)
	}
	return each(record)
}

// local is how much of a record of a table lies in its cell (section 1.6 of
// the format).
func (s *sqliteFile) local(size int) int {
	most := s.usable - 35
	if size <= most {
		return size
	}
	least := (s.usable-12)*32/255 - 23
	k := least + (size-least)%(s.usable-4)
	if k <= most {
		return k
	}
	return least
}

// sqliteValue is a column: a number, or text or a blob.
type sqliteValue struct {
	number int64
	text   []byte
}

// sqliteColumns decodes the first columns of a record.
func sqliteColumns(record []byte, want int) ([]sqliteValue, error) {
	size, n := sqliteVarint(record)
	if n == 0 || size < uint64(n) || size > uint64(len(record)) {
		return nil, errSQLite
	}
	head, body := record[n:size], record[size:]
	cols := make([]sqliteValue, 0, want)
	for len(head) > 0 && len(cols) < want {
		kind, n := sqliteVarint(head)
		if n == 0 {
			return nil, errSQLite
		}
		head = head[n:]
		width := sqliteWidth(kind)
		if width > uint64(len(body)) {
			return nil, errSQLite
		}
		v := sqliteValue{text: body[:width]}
		if kind < 12 {
			v.number = sqliteNumber(kind, body[:width])
		}
		cols, body = append(cols, v), body[width:]
	}
	if len(cols) < want {
		return nil, errSQLite
	}
	return cols, nil
}

func sqliteWidth(kind uint64) uint64 {
	if kind >= 12 {
		return (kind - 12) / 2
	}
	return [12]uint64{0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0}[kind]
}

func sqliteNumber(kind uint64, b []byte) int64 {
	if kind == 9 {
		return 1
	}
	var n int64
	for i, c := range b {
		if i == 0 {
			n = int64(int8(c))
			continue
		}
		n = n<<8 | int64(c)
	}
	return n
}

// sqliteVarint decodes a number of one to nine bytes; length 0 means that it
// is cut off.
func sqliteVarint(b []byte) (value uint64, length int) {
	for i := range min(len(b), 9) {
		if i == 8 {
			return value<<8 | uint64(b[i]), 9
		}
		value = value<<7 | uint64(b[i]&0x7f)
		if b[i] < 0x80 {
			return value, i + 1
		}
	}
	return 0, 0
}
