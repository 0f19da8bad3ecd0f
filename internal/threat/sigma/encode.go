package sigma

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"unicode/utf16"
)

// fanOut are the modifiers that make several values of one, or encode it.
var fanOut = map[string]func(draft) ([]draft, error){
	"base64":       encodeWith(func(b []byte) []string { return []string{base64.StdEncoding.EncodeToString(b)} }),
	"base64offset": encodeWith(base64Offsets),
	"utf16le":      recode(binary.LittleEndian, false),
	"wide":         recode(binary.LittleEndian, false),
	"utf16be":      recode(binary.BigEndian, false),
	"utf16":        recode(binary.LittleEndian, true),
}

// plain is the text of a value without wildcards.
func (d *draft) plain() (string, error) {
	if d.kind != matchPattern {
		return "", errNotText
	}
	text, ok := d.pattern.literalText()
	if !ok {
		return "", fmt.Errorf("text with wildcards cannot be encoded")
	}
	return text, nil
}

func encodeWith(f func([]byte) []string) func(draft) ([]draft, error) {
	return func(d draft) ([]draft, error) {
		text, err := d.plain()
		if err != nil {
			return nil, err
		}
		var out []draft
		for _, s := range f([]byte(text)) {
			d.pattern, d.raw = pattern{{literal, s}}, s
			out = append(out, d)
		}
		return out, nil
	}
}

// base64Offsets are the characters that a text leads to in base64 whatever stands
// before and behind it: one for each of the three places in a group of bytes.
func base64Offsets(b []byte) []string {
	skipped := [3]int{0, 2, 3} // characters at the start that depend on what is before
	var out []string
	for offset := range 3 {
		s := base64.StdEncoding.EncodeToString(append(make([]byte, offset), b...))
		end := len(s)
		switch (len(b) + offset) % 3 {
		case 1:
			end -= 3
		case 2:
			end -= 2
		}
		if skipped[offset] < end {
			out = append(out, s[skipped[offset]:end])
		}
	}
	return out
}

func recode(order binary.ByteOrder, mark bool) func(draft) ([]draft, error) {
	return func(d draft) ([]draft, error) {
		text, err := d.plain()
		if err != nil {
			return nil, err
		}
		var b []byte
		if mark {
			b = append(b, 0xff, 0xfe)
		}
		for _, u := range utf16.Encode([]rune(text)) {
			var two [2]byte
			order.PutUint16(two[:], u)
			b = append(b, two[:]...)
		}
		d.pattern, d.raw = pattern{{literal, string(b)}}, string(b)
		return []draft{d}, nil
	}
}
