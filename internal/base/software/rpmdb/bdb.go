package rpmdb

import (
	"encoding/binary"
	"errors"
	"io"
)

// Berkeley DB hash databases (dbinc/db_page.h of Berkeley DB 5.3): pages of a
// header of 26 bytes and an index of pairs of key and value. rpm's values are
// long, so they lie on chains of overflow pages. Numbers are in the byte order
// of the machine that wrote them; the magic number tells which.
const (
	bdbMagic    = 0x061561
	bdbPageHead = 26

	bdbHashUnsorted, bdbOverflow, bdbHash = 2, 7, 13 // types of pages
	bdbInline, bdbOffPage                 = 1, 3     // types of items
)

var errBDB = errors.New("damaged Berkeley DB database")

type bdbFile struct {
	r        io.ReaderAt
	order    binary.ByteOrder
	pageSize int64
	pages    uint32
	read     uint32 // pages read; a chain that bites its tail reads for ever
}

func readBDB(r io.ReaderAt, size int64, head []byte, each func([]byte) error) error {
	f := bdbFile{r: r}
	switch {
	case binary.LittleEndian.Uint32(head[12:]) == bdbMagic:
		f.order = binary.LittleEndian
	case binary.BigEndian.Uint32(head[12:]) == bdbMagic:
		f.order = binary.BigEndian
	default:
		return ErrFormat
	}
	f.pageSize = int64(f.order.Uint32(head[20:]))
	if f.pageSize < 512 || f.pageSize > 65536 || f.pageSize&(f.pageSize-1) != 0 {
		return errBDB
	}
	f.pages = uint32(min(size/f.pageSize, 1<<31))
	if last := f.order.Uint32(head[32:]); last >= f.pages {
		return errBDB // cut short
	}
	var damaged error
	for n := uint32(1); n < f.pages; n++ {
		p, err := f.page(n)
		if err != nil {
			return err
		}
		if p[25] != bdbHash && p[25] != bdbHashUnsorted {
			continue
		}
		err = f.values(p, each)
		if errors.Is(err, errBDB) {
			damaged, err = err, nil
		}
		if err != nil {
			return err
		}
	}
	return damaged
}

func (f *bdbFile) page(n uint32) ([]byte, error) {
	if n >= f.pages || f.read > 3*f.pages+16 {
		return nil, errBDB
	}
	f.read++
	p := make([]byte, f.pageSize)
	if _, err := f.r.ReadAt(p, int64(n)*f.pageSize); err != nil {
		return nil, errBDB
	}
	return p, nil
}

// values calls each with the value of every pair of a page. The pair whose
// value is four bytes is rpm's counter.
func (f *bdbFile) values(p []byte, each func([]byte) error) error {
	entries := int(f.order.Uint16(p[20:]))
	if bdbPageHead+2*entries > len(p) {
		return errBDB
	}
	at := func(i int) int { return int(f.order.Uint16(p[bdbPageHead+2*i:])) }
	for i := 1; i < entries; i += 2 {
		begin, end := at(i), at(i-1) // items grow down from the end of the page
		if begin >= len(p) || end > len(p) {
			return errBDB
		}
		var value []byte
		var err error
		switch p[begin] {
		case bdbOffPage:
			value, err = f.overflow(p[begin:])
		case bdbInline:
			if begin+1 <= end {
				value = p[begin+1 : end]
			}
		}
		if err != nil {
			return err
		}
		if len(value) > 4 {
			if err := each(value); err != nil {
				return err
			}
		}
	}
	return nil
}

// overflow joins the value of an off-page item: type, three unused bytes, first
// page, length.
func (f *bdbFile) overflow(item []byte) ([]byte, error) {
	if len(item) < 12 {
		return nil, errBDB
	}
	next, length := f.order.Uint32(item[4:]), int(f.order.Uint32(item[8:]))
	if length > maxRowBytes || int64(length) > int64(f.pages)*f.pageSize {
		return nil, errBDB
	}
	value := make([]byte, 0, length)
	for len(value) < length {
		p, err := f.page(next)
		if err != nil {
			return nil, err
		}
		used := int(f.order.Uint16(p[22:]))
		if p[25] != bdbOverflow || used == 0 || bdbPageHead+used > len(p) {
			return nil, errBDB
		}
		value = append(value, p[bdbPageHead:bdbPageHead+used]...)
		next = f.order.Uint32(p[16:])
	}
	return value[:length], nil
}
