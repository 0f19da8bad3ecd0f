package evtx

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"time"

	"github.com/rampart-sec/rampart/internal/threat/event"
	"github.com/rampart-sec/rampart/internal/threat/event/windows"
	"github.com/rampart-sec/rampart/internal/threat/event/winxml"
)

// Sizes and places of [MS-EVEN6] files.
const (
	chunkSize       = 64 << 10
	chunkHeaderSize = 512
	recordHeader    = 24
	leastRecord     = recordHeader + 4 + 4
	dirtyFlag       = 1
)

var (
	fileMagic   = []byte("ElfFile\x00")
	chunkMagic  = []byte("ElfChnk\x00")
	recordMagic = []byte{'*', '*', 0, 0}
)

// errNotEVTX is what other files are.
var errNotEVTX = errors.New("evtx: the file has no ElfFile header")

// Decoder reads the records of one file.
type Decoder struct {
	in       io.Reader
	taxonomy *windows.Taxonomy
	fields   winxml.Fields
	xml      parser

	started bool
	dirty   bool
	buf     []byte // of chunkSize
	chunk   []byte // the chunk at hand, shorter if the file ends in it
	number  int    // of the chunk at hand
	base    int64  // its place in the file
	at      int    // next record in the chunk
	limit   int    // where the records of the chunk end
	search  bool   // look for records by signature: the header is gone
	index   int
	late    error // to be given before the records of the chunk
}

// New makes a decoder of one file.
func New(in io.Reader, s *event.Schema) event.Decoder {
	return &Decoder{in: in, taxonomy: windows.NewTaxonomy(s), buf: make([]byte, chunkSize), number: -1}
}

// Next fills r with the next record.
func (d *Decoder) Next(r *event.Record) error {
	if !d.started {
		if err := d.start(); err != nil {
			return err
		}
	}
	for {
		if d.late != nil {
			err := d.late
			d.late = nil
			return err
		}
		if d.at >= d.limit || !d.find() {
			if err := d.nextChunk(); err != nil {
				return err
			}
			continue
		}
		return d.record(r)
	}
}

// start reads the header of the file.
func (d *Decoder) start() error {
	header := d.buf[:128]
	if n, err := io.ReadFull(d.in, header); err != nil {
		if n == 0 && err == io.EOF || err != io.EOF && err != io.ErrUnexpectedEOF {
			return err
		}
		return errNotEVTX
	}
	if !bytes.HasPrefix(header, fileMagic) {
		return errNotEVTX
	}
	d.dirty = binary.LittleEndian.Uint32(header[120:])&dirtyFlag != 0
	size := int64(binary.LittleEndian.Uint16(header[40:])) // of the header's block
	if size < 128 {
		size = 4096
	}
	if _, err := io.CopyN(io.Discard, d.in, size-128); err != nil && err != io.EOF {
		return err
	}
	d.started, d.base = true, size-chunkSize
	return nil
}

// nextChunk reads a chunk and finds out where its records are.
func (d *Decoder) nextChunk() error {
	n, err := io.ReadFull(d.in, d.buf)
	if n == 0 || err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return err
	}
	d.chunk = d.buf[:n]
	d.number++
	d.base += chunkSize
	d.at, d.limit, d.search = 0, 0, false
	d.xml.reset(d.chunk)
	switch {
	case !bytes.HasPrefix(d.chunk, chunkMagic):
		if blank(d.chunk) {
			return nil
		}
		d.at, d.limit, d.search = 0, n, true
		d.late = d.damaged("it has no header; its records are looked for")
	case n < chunkHeaderSize:
		d.late = d.damaged("the file ends inside of its header")
	default:
		d.open()
	}
	return nil
}

// open reads the header of the chunk at hand.
func (d *Decoder) open() {
	c := d.chunk
	free := int(binary.LittleEndian.Uint32(c[48:]))
	d.at, d.limit = chunkHeaderSize, free
	if free < chunkHeaderSize || free > chunkSize {
		d.limit, d.search = len(c), true
		d.late = d.damaged("its header says that records end outside of it; they are looked for")
		return
	}
	if free > len(c) {
		d.limit = len(c)
		return // the record that is cut off is reported
	}
	if d.dirty {
		d.limit = len(c) // the header may be older than the last records
		return
	}
	header := crc32.ChecksumIEEE(c[:120])
	header = crc32.Update(header, crc32.IEEETable, c[128:chunkHeaderSize])
	switch {
	case header != binary.LittleEndian.Uint32(c[124:]):
		d.late = d.damaged("the checksum of its header is wrong; its records are tried one by one")
	case crc32.ChecksumIEEE(c[chunkHeaderSize:free]) != binary.LittleEndian.Uint32(c[52:]):
		d.late = d.damaged("the checksum of its records is wrong; they are tried one by one")
	}
}

func blank(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

func (d *Decoder) damaged(reason string) error {
	return &event.SkipError{Index: d.index, Offset: d.base, Reason: fmt.Sprintf("chunk %d is damaged: %s", d.number, reason)}
}

// find moves to the next record; false if the chunk has no more.
func (d *Decoder) find() bool {
	if d.whole(d.at) {
		return true
	}
	rest := d.chunk[d.at:d.limit]
	if d.dirty && !bytes.HasPrefix(rest, recordMagic) || blank(rest) {
		return false
	}
	if !d.search {
		return true // record says what is wrong with it
	}
	for i := 0; ; i++ {
		n := bytes.Index(rest[i:], recordMagic)
		if n < 0 {
			return false
		}
		i += n
		if d.whole(d.at + i) {
			d.at += i
			return true
		}
	}
}

// whole reports whether a record with both of its sizes stands at a place.
func (d *Decoder) whole(at int) bool {
	b := d.chunk[at:d.limit]
	if len(b) < leastRecord || !bytes.HasPrefix(b, recordMagic) {
		return false
	}
	size := binary.LittleEndian.Uint32(b[4:])
	return size >= leastRecord && uint64(size) <= uint64(len(b)) && binary.LittleEndian.Uint32(b[size-4:]) == size
}

// record decodes the record at hand.
func (d *Decoder) record(r *event.Record) error {
	at := d.at
	if !d.whole(at) {
		d.search = true
		d.at++
		return d.skip(at, d.brokenFrame(at))
	}
	size := int(binary.LittleEndian.Uint32(d.chunk[at+4:]))
	d.at += size
	r.Reset(d.taxonomy.Schema())
	r.Raw = d.chunk[at : at+size]
	d.fields.Start(r)
	if err := d.xml.fragment(&d.fields, at+recordHeader, at+size-4); err != nil {
		return d.skip(at, err.Error())
	}
	if !d.fields.Found() {
		return d.skip(at, "it has no Event element")
	}
	r.SetTime(fileTime(binary.LittleEndian.Uint64(d.chunk[at+16:])))
	d.taxonomy.Complete(r)
	d.index++
	return nil
}

func (d *Decoder) brokenFrame(at int) string {
	b := d.chunk[at:d.limit]
	switch {
	case len(d.chunk) < chunkSize:
		return "the file ends inside of it"
	case !bytes.HasPrefix(b, recordMagic):
		return "it does not start with the signature of records; the next ones are looked for"
	}
	return "its two sizes differ; the next records are looked for"
}

func (d *Decoder) skip(at int, reason string) error {
	d.index++
	return &event.SkipError{Index: d.index - 1, Offset: d.base + int64(at), Reason: reason}
}

// fileTime is a count of 100 ns since 1601.
func fileTime(n uint64) time.Time {
	const unixEpoch = 116444736000000000
	ticks := int64(n) - unixEpoch
	return time.Unix(ticks/1e7, ticks%1e7*100).UTC()
}
