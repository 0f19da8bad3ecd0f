package evtx

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/rampart-sec/rampart/internal/threat/event"
)

// Types of values ([MS-EVEN6] 2.2.12).
const (
	typeNull       = 0x00
	typeString     = 0x01
	typeAnsiString = 0x02
	typeInt8       = 0x03
	typeUint8      = 0x04
	typeInt16      = 0x05
	typeUint16     = 0x06
	typeInt32      = 0x07
	typeUint32     = 0x08
	typeInt64      = 0x09
	typeUint64     = 0x0a
	typeReal32     = 0x0b
	typeReal64     = 0x0c
	typeBool       = 0x0d
	typeBinary     = 0x0e
	typeGUID       = 0x0f
	typeSize       = 0x10
	typeFileTime   = 0x11
	typeSystemTime = 0x12
	typeSID        = 0x13
	typeHex32      = 0x14
	typeHex64      = 0x15
	typeHandle     = 0x20
	typeBinXML     = 0x21
	typeXML        = 0x23
	typeArray      = 0x80
)

// sizes are the bytes of types that have a fixed size.
var sizes = [64]int{
	typeInt8: 1, typeUint8: 1, typeInt16: 2, typeUint16: 2, typeInt32: 4, typeUint32: 4, typeInt64: 8, typeUint64: 8,
	typeReal32: 4, typeReal64: 8, typeBool: 4, typeGUID: 16, typeFileTime: 8, typeSystemTime: 16, typeHex32: 4, typeHex64: 8,
}

// timeLayout is how times are written.
const timeLayout = "2006-01-02T15:04:05.000000Z"

// appendValue appends the text of a value and says what type it has to rules.
func appendValue(dst []byte, kind byte, b []byte) ([]byte, event.Type, error) {
	if n := size(kind); n > 0 && len(b) != n {
		if len(b) == 0 {
			return dst, event.Null, nil
		}
		return dst, 0, fmt.Errorf("a value of type %#x has %d bytes", kind, len(b))
	}
	switch kind {
	case typeNull:
		return dst, event.Null, nil
	case typeString, typeXML:
		return appendUTF16(dst, b), event.String, nil
	case typeAnsiString:
		return appendANSI(dst, b), event.String, nil
	case typeInt8, typeInt16, typeInt32, typeInt64:
		return strconv.AppendInt(dst, signed(b), 10), event.Number, nil
	case typeUint8, typeUint16, typeUint32, typeUint64:
		return strconv.AppendUint(dst, unsigned(b), 10), event.Number, nil
	case typeReal32:
		return strconv.AppendFloat(dst, float64(math.Float32frombits(binary.LittleEndian.Uint32(b))), 'f', -1, 32), event.Number, nil
	case typeReal64:
		return strconv.AppendFloat(dst, math.Float64frombits(binary.LittleEndian.Uint64(b)), 'f', -1, 64), event.Number, nil
	case typeBool:
		return strconv.AppendBool(dst, unsigned(b) != 0), event.Bool, nil
	case typeHex32, typeHex64, typeSize, typeHandle:
		if len(b) > 8 {
			return dst, 0, fmt.Errorf("a number has %d bytes", len(b))
		}
		return strconv.AppendUint(append(dst, '0', 'x'), unsigned(b), 16), event.String, nil
	}
	return appendStructure(dst, kind, b)
}

func appendStructure(dst []byte, kind byte, b []byte) ([]byte, event.Type, error) {
	switch kind {
	case typeBinary:
		return appendHex(dst, b), event.String, nil
	case typeGUID:
		return appendGUID(dst, b), event.String, nil
	case typeFileTime:
		return fileTime(binary.LittleEndian.Uint64(b)).AppendFormat(dst, timeLayout), event.String, nil
	case typeSystemTime:
		return systemTime(b).AppendFormat(dst, timeLayout), event.String, nil
	case typeSID:
		return appendSID(dst, b)
	}
	return dst, 0, fmt.Errorf("a value has the unknown type %#x", kind)
}

func size(kind byte) int {
	if int(kind) < len(sizes) {
		return sizes[kind]
	}
	return 0
}

// eachItem calls fn with each item of an array.
func eachItem(kind byte, b []byte, fn func([]byte) error) error {
	switch kind {
	case typeString:
		return eachString(b, 2, fn)
	case typeAnsiString:
		return eachString(b, 1, fn)
	case typeSID:
		return eachSID(b, fn)
	}
	n := size(kind)
	if n == 0 && kind == typeSize {
		n = 8
	}
	if n == 0 || len(b)%n != 0 {
		return fmt.Errorf("an array of type %#x has %d bytes", kind, len(b))
	}
	for ; len(b) > 0; b = b[n:] {
		if err := fn(b[:n]); err != nil {
			return err
		}
	}
	return nil
}

// eachString splits at characters of a width that are zero.
func eachString(b []byte, width int, fn func([]byte) error) error {
	start := 0
	for i := 0; i+width <= len(b); i += width {
		if b[i] != 0 || width == 2 && b[i+1] != 0 {
			continue
		}
		if err := fn(b[start:i]); err != nil {
			return err
		}
		start = i + width
	}
	if start < len(b) {
		return fn(b[start:])
	}
	return nil
}

func eachSID(b []byte, fn func([]byte) error) error {
	for len(b) > 0 {
		if len(b) < 8 || len(b) < 8+4*int(b[1]) {
			return fmt.Errorf("a security identifier has %d bytes", len(b))
		}
		n := 8 + 4*int(b[1])
		if err := fn(b[:n]); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

func unsigned(b []byte) (n uint64) {
	for i, c := range b {
		n |= uint64(c) << (8 * i)
	}
	return n
}

func signed(b []byte) int64 {
	shift := 64 - 8*len(b)
	return int64(unsigned(b)<<shift) >> shift
}

// appendUTF16 appends little-endian UTF-16 as UTF-8, without zeros at its end.
func appendUTF16(dst, b []byte) []byte {
	for len(b) >= 2 && b[len(b)-1] == 0 && b[len(b)-2] == 0 && len(b)%2 == 0 {
		b = b[:len(b)-2]
	}
	for ; len(b) >= 2; b = b[2:] {
		c := binary.LittleEndian.Uint16(b)
		switch {
		case c < utf8.RuneSelf:
			dst = append(dst, byte(c))
		case utf16.IsSurrogate(rune(c)) && len(b) >= 4:
			r := utf16.DecodeRune(rune(c), rune(binary.LittleEndian.Uint16(b[2:])))
			if r != utf8.RuneError {
				b = b[2:]
			}
			dst = utf8.AppendRune(dst, r)
		default:
			dst = utf8.AppendRune(dst, rune(c))
		}
	}
	return dst
}

// windows1252 are the characters of bytes 0x80 to 0x9f in that code page.
var windows1252 = []rune("€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ")

func appendANSI(dst, b []byte) []byte {
	for len(b) > 0 && b[len(b)-1] == 0 {
		b = b[:len(b)-1]
	}
	for _, c := range b {
		r := rune(c)
		if c >= 0x80 && c < 0xa0 {
			r = windows1252[c-0x80]
		}
		dst = utf8.AppendRune(dst, r)
	}
	return dst
}

const hexDigits = "0123456789ABCDEF"

func appendHex(dst, b []byte) []byte {
	for _, c := range b {
		dst = append(dst, hexDigits[c>>4], hexDigits[c&15])
	}
	return dst
}

// appendGUID writes the first three parts with their bytes turned ([MS-DTYP] 2.3.4).
func appendGUID(dst, b []byte) []byte {
	dst = appendHex(dst, []byte{b[3], b[2], b[1], b[0]})
	dst = append(dst, '-')
	dst = appendHex(dst, []byte{b[5], b[4]})
	dst = append(dst, '-')
	dst = appendHex(dst, []byte{b[7], b[6]})
	dst = append(dst, '-')
	dst = appendHex(dst, b[8:10])
	dst = append(dst, '-')
	return appendHex(dst, b[10:16])
}

// appendSID writes S-1-authority-parts ([MS-DTYP] 2.4.2.1).
func appendSID(dst, b []byte) ([]byte, event.Type, error) {
	if len(b) == 0 {
		return dst, event.Null, nil
	}
	if len(b) < 8 || len(b) < 8+4*int(b[1]) {
		return dst, 0, fmt.Errorf("a security identifier has %d bytes: %s", len(b), hex.EncodeToString(b[:min(len(b), 8)]))
	}
	dst = append(strconv.AppendUint(append(dst, "S-"...), uint64(b[0]), 10), '-')
	var authority uint64
	for _, c := range b[2:8] {
		authority = authority<<8 | uint64(c)
	}
	dst = strconv.AppendUint(dst, authority, 10)
	for i := range int(b[1]) {
		dst = strconv.AppendUint(append(dst, '-'), uint64(binary.LittleEndian.Uint32(b[8+4*i:])), 10)
	}
	return dst, event.String, nil
}

// systemTime is year, month, day of the week, day, hour, minute, second and
// millisecond, 16 bits each.
func systemTime(b []byte) time.Time {
	f := func(i int) int { return int(binary.LittleEndian.Uint16(b[2*i:])) }
	return time.Date(f(0), time.Month(f(1)), f(3), f(4), f(5), f(6), f(7)*1e6, time.UTC)
}
