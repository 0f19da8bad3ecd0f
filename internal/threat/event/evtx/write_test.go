package evtx_test

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"unicode/utf16"
)

// writer builds a small log: one chunk whose records are instances of one
// template that stands in the first of them.
type writer struct {
	chunk    []byte
	template int // where it stands, 0 if not yet
	records  int
}

func newWriter() *writer {
	w := &writer{chunk: make([]byte, 512, 65536)}
	copy(w.chunk, "ElfChnk\x00")
	return w
}

func (w *writer) u8(b ...byte)   { w.chunk = append(w.chunk, b...) }
func (w *writer) u16(n int)      { w.chunk = binary.LittleEndian.AppendUint16(w.chunk, uint16(n)) }
func (w *writer) u32(n int)      { w.chunk = binary.LittleEndian.AppendUint32(w.chunk, uint32(n)) }
func (w *writer) u64(n uint64)   { w.chunk = binary.LittleEndian.AppendUint64(w.chunk, n) }
func (w *writer) chars(s string) { w.chunk = append(w.chunk, utf16LE(s)...) }

func utf16LE(s string) (out []byte) {
	for _, c := range utf16.Encode([]rune(s)) {
		out = binary.LittleEndian.AppendUint16(out, c)
	}
	return out
}

// name writes a name where it is used for the first time.
func (w *writer) name(s string) {
	w.u32(len(w.chunk) + 4)
	w.u32(0)
	w.u16(0)
	w.u16(len(utf16.Encode([]rune(s))))
	w.chars(s + "\x00")
}

// open starts an element with at most one attribute, whose value is text.
func (w *writer) open(name, attr, text string) {
	token := byte(0x01)
	if attr != "" {
		token |= 0x40
	}
	w.u8(token)
	w.u16(0xffff)
	w.u32(0)
	w.name(name)
	if attr != "" {
		w.u32(0)
		w.u8(0x06)
		w.name(attr)
		w.u8(0x05, 0x01)
		w.u16(len(text))
		w.chars(text)
	}
	w.u8(0x02)
}

func (w *writer) leaf(name, attr, text string, substitution int, kind byte) {
	w.open(name, attr, text)
	w.u8(0x0e)
	w.u16(substitution)
	w.u8(kind, 0x04)
}

// val is one value of a record.
type val struct {
	kind byte
	b    []byte
}

// definition writes the template: values 0 and 1 are EventID and Channel, each
// further one is event data under its name.
func (w *writer) definition(names []string, values []val) {
	w.u32(0)
	w.chunk = append(w.chunk, make([]byte, 16)...)
	size := len(w.chunk)
	w.u32(0)
	w.u8(0x0f, 1, 1, 0)
	w.open("Event", "xmlns", "http://schemas.microsoft.com/win/2004/08/events/event")
	w.open("System", "", "")
	w.leaf("EventID", "", "", 0, values[0].kind)
	w.leaf("Channel", "", "", 1, values[1].kind)
	w.u8(0x04)
	w.open("EventData", "", "")
	for i, name := range names {
		attr := "Name"
		if name == "" {
			attr = ""
		}
		w.leaf("Data", attr, name, i+2, values[i+2].kind)
	}
	w.u8(0x04, 0x04, 0x00)
	binary.LittleEndian.PutUint32(w.chunk[size:], uint32(len(w.chunk)-size-4))
}

// record writes one record; names of the first one count for all.
func (w *writer) record(names []string, values ...val) {
	start := len(w.chunk)
	w.u32(0x00002a2a)
	w.u32(0)
	w.records++
	w.u64(uint64(w.records))
	w.u64(133800000000000000)
	w.u8(0x0f, 1, 1, 0, 0x0c, 1)
	w.u32(7)
	if w.template == 0 {
		w.template = len(w.chunk) + 4
		w.u32(w.template)
		w.definition(names, values)
	} else {
		w.u32(w.template)
	}
	w.u32(len(values))
	for _, v := range values {
		w.u16(len(v.b))
		w.u8(v.kind, 0)
	}
	for _, v := range values {
		w.u8(v.b...)
	}
	w.u8(0)
	size := len(w.chunk) - start + 4
	w.u32(size)
	binary.LittleEndian.PutUint32(w.chunk[start+4:], uint32(size))
}

// chunkBytes is the chunk with its checksums.
func (w *writer) chunkBytes() []byte {
	c := append([]byte(nil), w.chunk...)
	binary.LittleEndian.PutUint32(c[40:], 128)
	binary.LittleEndian.PutUint32(c[48:], uint32(len(c)))
	binary.LittleEndian.PutUint32(c[52:], crc32.ChecksumIEEE(c[512:]))
	sum := crc32.Update(crc32.ChecksumIEEE(c[:120]), crc32.IEEETable, c[128:512])
	binary.LittleEndian.PutUint32(c[124:], sum)
	return append(c, make([]byte, 65536-len(c))...)
}

func file(chunks ...[]byte) []byte {
	header := make([]byte, 4096)
	copy(header, "ElfFile\x00")
	binary.LittleEndian.PutUint16(header[40:], 4096)
	return append(header, bytes.Join(chunks, nil)...)
}
