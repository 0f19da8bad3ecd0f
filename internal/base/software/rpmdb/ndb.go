package rpmdb

import (
	"encoding/binary"
	"errors"
	"io"
)

// The ndb format (lib/backend/ndb/rpmpkg.c of rpm): pages of slots, each naming
// a blob by its block of 16 bytes. Numbers are little-endian.
const (
	ndbMagic    = "RpmP"
	ndbPage     = 4096
	ndbSlot     = 16 // bytes of a slot, and of a block
	ndbHead     = 2  // slots that the file's header takes
	ndbMaxPages = 4096
)

var errNDB = errors.New("damaged ndb database")

// readNDB calls each with the blob of every slot in use. A slot that is broken
// makes an error at the end: it does not take the others with it.
func readNDB(r io.ReaderAt, size int64, head []byte, each func([]byte) error) error {
	pages := binary.LittleEndian.Uint32(head[12:])
	if pages == 0 || pages > ndbMaxPages || int64(pages)*ndbPage > size {
		return errNDB
	}
	slots := make([]byte, int(pages)*ndbPage)
	if _, err := r.ReadAt(slots, 0); err != nil {
		return errNDB
	}
	var damaged error
	left := 2 * size // blobs do not overlap in a sound file
	for s := slots[ndbHead*ndbSlot:]; len(s) >= ndbSlot; s = s[ndbSlot:] {
		index, block := binary.LittleEndian.Uint32(s[4:]), binary.LittleEndian.Uint32(s[8:])
		if string(s[:4]) != "Slot" {
			damaged = errNDB
			continue
		}
		if index == 0 {
			continue
		}
		blob, err := ndbBlob(r, size, index, int64(block)*ndbSlot)
		if left -= int64(len(blob)); err != nil || left < 0 {
			damaged = errNDB
			continue
		}
		if err := each(blob); err != nil {
			return err
		}
	}
	return damaged
}

// ndbBlob reads a blob: magic, package index, generation, length, data.
func ndbBlob(r io.ReaderAt, size int64, index uint32, at int64) ([]byte, error) {
	var head [16]byte
	if at+16 > size {
		return nil, errNDB
	}
	if _, err := r.ReadAt(head[:], at); err != nil {
		return nil, errNDB
	}
	length := int64(binary.LittleEndian.Uint32(head[12:]))
	if string(head[:4]) != "BlbS" || binary.LittleEndian.Uint32(head[4:]) != index || length > maxRowBytes || at+16+length > size {
		return nil, errNDB
	}
	blob := make([]byte, length)
	if _, err := r.ReadAt(blob, at+16); err != nil {
		return nil, errNDB
	}
	return blob, nil
}
