package provider

import (
	"bytes"

	_ "embed"
	"fmt"
	"io"
	"iter"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/klauspost/compress/zstd"

	"github.com/rampart-sec/rampart/internal/base/arm"
)

//go:embed known.zst
var packed []byte

// Table is what is known of resource types. It is immutable and may be used by
// several goroutines.
type Table struct {
	// Source says where the facts come from and of which date they are.
	Source string
	text   string
	types  map[string]section // by folded type
	others map[string][]Alias // by folded name: aliases that do not start with their type
}

// Alias is the name by which policies read a property of a type, and its path
// in documents.
type Alias struct{ Type, Name, Path string }

// section is where a type's aliases lie in the text.
type section struct {
	name     string
	from, to int
	flag     byte
}

// What is said of a type's tags and location.
const (
	flagIndexed   = 'i' // it has both
	flagUnindexed = 'n' // it lacks one of them
	flagUnknown   = '?'
)

// Known is the table that ships. It is unpacked when it is first asked for.
var Known = sync.OnceValue(func() *Table {
	t, err := Read(bytes.NewReader(packed))
	if err != nil {
		panic("embedded table of resource types: " + err.Error()) // a test reads it
	}
	return t
})

// maxText bounds what a table unpacks to; the one that ships has 2 MB.
const maxText = 64 << 20

// Read reads a table as Write writes it.
func Read(r io.Reader) (*Table, error) {
	z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxText))
	if err != nil {
		return nil, fmt.Errorf("unpack table: %w", err)
	}
	defer z.Close()
	text, err := io.ReadAll(io.LimitReader(z, maxText+1))
	if err != nil {
		return nil, fmt.Errorf("unpack table: %w", err)
	}
	if len(text) > maxText {
		return nil, fmt.Errorf("the table unpacks to more than %d bytes", maxText)
	}
	t := &Table{text: string(text), types: map[string]section{}, others: map[string][]Alias{}}
	return t, t.index()
}

// index reads the head and finds the types. A line that starts with "=" names a
// type; its last byte is the flag.
func (t *Table) index() error {
	at := strings.Index(t.text, "\n=")
	if at < 0 || t.text[0] != '#' {
		return fmt.Errorf("the table does not say where it comes from, or has no types")
	}
	for i, line := range strings.Split(t.text[:at], "\n") {
		if i == 0 {
			t.Source = strings.TrimSpace(line[1:])
			continue
		}
		cols := strings.Split(line, "\t")
		if len(cols) != 3 {
			return fmt.Errorf("line %d of the table is no alias", i+1)
		}
		key := arm.Fold(cols[1])
		t.others[key] = append(t.others[key], Alias{cols[0], cols[1], cols[2]})
	}
	for at < len(t.text) {
		line, _, _ := strings.Cut(t.text[at+2:], "\n")
		next := strings.Index(t.text[at+2:], "\n=")
		if next < 0 {
			next = len(t.text) - at - 2
		}
		if len(line) < 2 {
			return fmt.Errorf("a type of the table has no name")
		}
		s := section{name: line[:len(line)-1], from: min(at+3+len(line), at+2+next), to: at + 2 + next, flag: line[len(line)-1]}
		t.types[arm.Fold(s.name)] = s
		at += 2 + next
	}
	return nil
}

// HasAliases reports whether the table has aliases of a folded type: then it
// has all that there are.
func (t *Table) HasAliases(typ string) bool {
	s := t.types[typ]
	return s.from < s.to
}

// Indexed reports whether resources of a folded type have tags and a location;
// known is false if the table does not say.
func (t *Table) Indexed(typ string) (indexed, known bool) {
	flag := t.types[typ].flag
	return flag == flagIndexed, flag == flagIndexed || flag == flagUnindexed
}

// Types are the types of the table as they are written, in no order.
func (t *Table) Types() iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, s := range t.types {
			if !yield(s.name) {
				return
			}
		}
	}
}

// Named are the aliases of a folded name that do not start with their type.
func (t *Table) Named(name string) []Alias { return t.others[name] }

// Aliases are those of a folded type that start with it.
func (t *Table) Aliases(typ string) iter.Seq[Alias] {
	return func(yield func(Alias) bool) {
		s := t.types[typ]
		var short, path string
		for line := range strings.SplitSeq(t.text[s.from:s.to], "\n") {
			if line == "" {
				continue
			}
			name, code, _ := strings.Cut(line, "\t")
			short = unshare(short, name)
			switch code {
			case "":
				path = properties + short
			case samePath:
				path = short
			default:
				path = unshare(path, code)
			}
			if !yield(Alias{s.name, s.name + "/" + short, path}) {
				return
			}
		}
	}
}

const (
	properties = "properties."
	samePath   = "." // the path is the short name itself
	// shareBase is the letter of a text that shares nothing with the one before.
	shareBase = 'A'
)

// unshare completes a text: its first letter says how many bytes it has from
// the one before.
func unshare(before, text string) string {
	r, size := utf8.DecodeRuneInString(text)
	n := min(max(0, int(r)-shareBase), len(before))
	return before[:n] + text[size:]
}
