// Package file is the advisory database: one file that is mapped into memory and
// read in place, so that opening it costs nothing and a scan touches only the
// pages of its own packages.
//
// A file is written once and never changed; a new one takes its name in one step.
// What is read is checked against its bounds: a damaged file gives errors, never
// a crash and never less findings in silence. The package must never import a
// source of advisories or what is installed anywhere.
package file

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"strings"
	"time"

	"github.com/rampart-sec/rampart/internal/vuln/advisory/affected"
	"github.com/rampart-sec/rampart/internal/vuln/advisory/cvss"
	"github.com/rampart-sec/rampart/internal/vuln/advisory/exploit"
)

// Layout: magic, header, sections one after another. All numbers are little
// endian. The header gives offset, length and checksum of every section and ends
// with its own checksum.
const (
	magic        = "RAMPADV3"
	sectionBytes = 8 + 8 + 4
	headerBytes  = len(magic) + int(sections)*sectionBytes + 4
)

// section numbers the parts of a file.
type section int

const (
	secMeta          section = iota // JSON of the owner of the file
	secKeyText                      // names of packages, base and name with a NUL between, sorted
	secKeyStarts                    // uint32 per key and one more: where it starts in secKeyText
	secClaimStarts                  // uint64 per key and one more: where its claims start in secClaims
	secClaims                       // what advisories say, by key
	secAdvisories                   // advisories
	secAdvisoryStart                // uint64 per advisory and one more
	secFacts                        // rows of facts by CVE, sorted
	sections
)

// factBytes is the length of a row: CVE as a number, EPSS as a float32, day of
// KEV, score times ten, severity.
const factBytes = 8 + 4 + 2 + 1 + 1

// ErrDamaged says that a file is no database, or not a whole one.
var ErrDamaged = errors.New("the advisory database is damaged")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// cveNumber packs a CVE into a number that sorts as year and number do; false if
// it is none.
func cveNumber(cve string) (uint64, bool) {
	rest, ok := strings.CutPrefix(cve, "CVE-")
	year, number, found := strings.Cut(rest, "-")
	if !ok || !found || len(year) != 4 || len(number) > 12 {
		return 0, false
	}
	y, okY := decimal(year)
	n, okN := decimal(number)
	return y<<48 | n, okY && okN
}

func decimal(s string) (n uint64, ok bool) {
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + uint64(c-'0')
	}
	return n, s != ""
}

func appendFact(b []byte, number uint64, f exploit.Facts) []byte {
	b = binary.LittleEndian.AppendUint64(b, number)
	b = binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(f.EPSS)))
	day := uint16(0)
	if !f.Added.IsZero() {
		day = uint16(max(1, min(math.MaxUint16, f.Added.Unix()/86400)))
	}
	b = binary.LittleEndian.AppendUint16(b, day)
	return append(b, byte(math.Round(f.Score*10)), byte(f.Severity))
}

func readFact(b []byte) (number uint64, f exploit.Facts) {
	f.EPSS = float64(math.Float32frombits(binary.LittleEndian.Uint32(b[8:])))
	if day := binary.LittleEndian.Uint16(b[12:]); day > 0 {
		f.Added = time.Unix(int64(day)*86400, 0).UTC()
	}
	f.EPSS = math.Round(f.EPSS*1e6) / 1e6 // as many places as EPSS publishes
	f.Score, f.Severity = float64(b[14])/10, cvss.Severity(b[15])
	return binary.LittleEndian.Uint64(b), f
}

// encoder appends values; decoder reads them back in the same order.
type encoder struct{ b []byte }

func (e *encoder) uint(n int)    { e.b = binary.AppendUvarint(e.b, uint64(n)) }
func (e *encoder) byte(c byte)   { e.b = append(e.b, c) }
func (e *encoder) text(s string) { e.uint(len(s)); e.b = append(e.b, s...) }

func (e *encoder) texts(list []string) {
	e.uint(len(list))
	for _, s := range list {
		e.text(s)
	}
}

func (e *encoder) time(t time.Time) {
	if t.IsZero() {
		e.uint(0)
		return
	}
	e.uint(int(max(1, t.Unix())))
}

// decoder reads from a string, whose parts it gives without copying. After the
// first fault it gives zero values.
type decoder struct {
	s   string
	bad bool
}

func (d *decoder) uint() int {
	n, shift := uint64(0), 0
	for i := range min(len(d.s), 9) {
		c := d.s[i]
		n |= uint64(c&0x7f) << shift
		if c < 0x80 {
			d.s = d.s[i+1:]
			return int(n)
		}
		shift += 7
	}
	d.fail()
	return 0
}

func (d *decoder) byte() byte {
	if d.s == "" {
		d.fail()
		return 0
	}
	c := d.s[0]
	d.s = d.s[1:]
	return c
}

func (d *decoder) text() string {
	n := d.uint()
	if n < 0 || n > len(d.s) {
		d.fail()
		return ""
	}
	t := d.s[:n]
	d.s = d.s[n:]
	return t
}

// count reads the length of a list whose items take at least one byte each.
func (d *decoder) count() int {
	n := d.uint()
	if n < 0 || n > len(d.s) {
		d.fail()
		return 0
	}
	return n
}

func (d *decoder) texts() (list []string) {
	n := d.count()
	if n == 0 {
		return nil
	}
	list = make([]string, 0, n)
	for range n {
		list = append(list, d.text())
	}
	return list
}

func (d *decoder) time() time.Time {
	n := d.uint()
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(int64(n), 0).UTC()
}

func (d *decoder) fail() { d.bad, d.s = true, "" }

func (d *decoder) err(what string) error {
	if d.bad {
		return fmt.Errorf("%w: %s", ErrDamaged, what)
	}
	return nil
}

func encodeAdvisory(a *affected.Advisory, feed string) []byte {
	e := &encoder{}
	e.text(a.ID)
	e.text(feed)
	e.texts(a.CVEs)
	e.texts(a.Aliases)
	e.byte(byte(a.Severity))
	e.byte(byte(math.Round(a.Score * 10)))
	e.text(a.Vector)
	e.time(a.Published)
	e.time(a.Modified)
	e.text(a.Summary)
	e.byte(boolByte(a.Disputed))
	return e.b
}

func boolByte(b bool) byte {
	if b {
		return 1
	}
	return 0
}

func decodeAdvisory(s string) (a affected.Advisory, feed string, err error) {
	d := &decoder{s: s}
	a.ID = d.text()
	feed = d.text()
	a.CVEs, a.Aliases = d.texts(), d.texts()
	a.Severity = cvss.Severity(d.byte())
	a.Score = float64(d.byte()) / 10
	a.Vector = d.text()
	a.Published, a.Modified = d.time(), d.time()
	a.Summary = d.text()
	a.Disputed = d.byte() == 1
	return a, feed, d.err("an advisory is cut short")
}

// encodeClaim writes what an advisory says of a package; base and name are the
// key that it is stored under. Release and channel come first: most claims that a
// reader meets are for another release.
func encodeClaim(p *affected.Package) []byte {
	e := &encoder{}
	e.text(p.Ecosystem.Release)
	e.text(p.Ecosystem.Channel)
	e.byte(byte(p.Status)<<1 | boolByte(p.Source))
	e.byte(byte(p.Severity))
	e.text(p.Module)
	e.uint(len(p.Intervals))
	for _, in := range p.Intervals {
		e.text(in.Introduced)
		e.text(in.Fixed)
		e.text(in.LastAffected)
	}
	e.texts(p.Versions)
	e.texts(p.Binaries)
	return e.b
}

func decodeClaim(s string, p *affected.Package) error {
	d := &decoder{s: s}
	p.Ecosystem.Release, p.Ecosystem.Channel = d.text(), d.text()
	flags := d.byte()
	p.Status, p.Source, p.Severity = affected.Status(flags>>1), flags&1 == 1, cvss.Severity(d.byte())
	p.Module = d.text()
	p.Intervals = nil
	if n := d.count(); n > 0 {
		p.Intervals = make([]affected.Interval, n)
		for i := range p.Intervals {
			p.Intervals[i] = affected.Interval{Introduced: d.text(), Fixed: d.text(), LastAffected: d.text()}
		}
	}
	p.Versions, p.Binaries = d.texts(), d.texts()
	return d.err("a claim is cut short")
}
