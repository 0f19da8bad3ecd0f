package spool

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// MaxRecord is the most bytes that one record may have.
const MaxRecord = 1 << 20

// A segment begins with a header: magic, epoch, first sequence.
const (
	segmentMagic = "RSPOOL1\n"
	headerSize   = len(segmentMagic) + 8 + 8
	frameSize    = 4 + 4 + 8 // before the payload
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// errTorn says that a segment ends within a frame or that a frame is damaged.
var errTorn = errors.New("torn frame")

func appendHeader(dst []byte, epoch, first uint64) []byte {
	dst = append(dst, segmentMagic...)
	dst = binary.LittleEndian.AppendUint64(dst, epoch)
	return binary.LittleEndian.AppendUint64(dst, first)
}

func parseHeader(b []byte) (epoch, first uint64, err error) {
	if len(b) < headerSize || string(b[:len(segmentMagic)]) != segmentMagic {
		return 0, 0, fmt.Errorf("no spool segment")
	}
	b = b[len(segmentMagic):]
	return binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:]), nil
}

// appendFrame adds one record. The sum covers the sequence and the payload.
func appendFrame(dst []byte, seq uint64, payload []byte) []byte {
	at := len(dst)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(payload)))
	dst = append(dst, 0, 0, 0, 0)
	dst = binary.LittleEndian.AppendUint64(dst, seq)
	dst = append(dst, payload...)
	binary.LittleEndian.PutUint32(dst[at+4:], crc32.Checksum(dst[at+8:], castagnoli))
	return dst
}

// parseFrame reads the record with sequence seq at the start of b and gives the
// bytes that it takes. The payload is part of b.
func parseFrame(b []byte, seq uint64) (payload []byte, n int, err error) {
	if len(b) < frameSize {
		return nil, 0, errTorn
	}
	size := binary.LittleEndian.Uint32(b)
	n = frameSize + int(size)
	if size > MaxRecord || len(b) < n || binary.LittleEndian.Uint64(b[8:]) != seq || crc32.Checksum(b[8:n], castagnoli) != binary.LittleEndian.Uint32(b[4:]) {
		return nil, 0, errTorn
	}
	return b[frameSize:n], n, nil
}
