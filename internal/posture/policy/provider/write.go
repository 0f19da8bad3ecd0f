package provider

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/klauspost/compress/zstd"

	"github.com/rampart-sec/rampart/internal/base/arm"
)

// Write writes a table: aliases, and for types whether they have tags and a
// location. source is one line for people. Of aliases of one type and name the
// last counts.
func Write(w io.Writer, source string, aliases []Alias, indexed map[string]bool) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n", source)
	byType, others := map[string]map[string]Alias{}, map[string]Alias{}
	for _, a := range aliases {
		if key := arm.Fold(a.Type); !strings.HasPrefix(arm.Fold(a.Name), key+"/") {
			others[arm.Fold(a.Name)+"\t"+key] = a
		} else if byType[key] == nil {
			byType[key] = map[string]Alias{arm.Fold(a.Name): a}
		} else {
			byType[key][arm.Fold(a.Name)] = a
		}
	}
	for _, key := range slices.Sorted(maps.Keys(others)) {
		fmt.Fprintf(&b, "%s\t%s\t%s\n", others[key].Type, others[key].Name, others[key].Path)
	}
	flags := map[string]string{}
	for typ := range byType {
		flags[typ] = string(flagUnknown)
	}
	for typ, both := range indexed {
		flags[arm.Fold(typ)] = string(flagUnindexed)
		if both {
			flags[arm.Fold(typ)] = string(flagIndexed)
		}
	}
	for _, typ := range slices.Sorted(maps.Keys(flags)) {
		writeType(&b, typ, flags[typ], byType[typ])
	}
	z, err := zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithWindowSize(8<<20))
	if err != nil {
		return err
	}
	if _, err := io.WriteString(z, strings.TrimSuffix(b.String(), "\n")); err != nil {
		return err
	}
	return z.Close()
}

func writeType(b *strings.Builder, typ, flag string, aliases map[string]Alias) {
	keys := slices.Sorted(maps.Keys(aliases))
	if len(keys) > 0 {
		typ = aliases[keys[0]].Type
	}
	fmt.Fprintf(b, "=%s%s\n", typ, flag)
	var short, path string
	for _, key := range keys {
		a := aliases[key]
		next := a.Name[len(typ)+1:]
		b.WriteString(share(short, next))
		switch a.Path {
		case properties + next:
		case next:
			b.WriteString("\t" + samePath)
		default:
			b.WriteString("\t" + share(path, a.Path))
		}
		b.WriteByte('\n')
		short, path = next, a.Path
	}
}

// share is what unshare completes. It keeps to bytes of ASCII: the texts are.
func share(before, text string) string {
	n := 0
	for n < len(before) && n < len(text) && n < 200 && before[n] == text[n] && text[n] < 0x80 {
		n++
	}
	return string(rune(shareBase+n)) + text[n:]
}
