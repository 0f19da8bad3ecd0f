package file

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"os"
	"sort"
	"strings"

	"github.com/rampart-sec/rampart/internal/vuln/advisory/affected"
	"github.com/rampart-sec/rampart/internal/vuln/advisory/exploit"
)

// Reader reads a file in place. It is for many goroutines; all that it gives is
// copied out of the file and stays when it is closed.
type Reader struct {
	data  []byte
	close func() error
	parts [sections][]byte
	sums  [sections]uint32
	keys  int
	count int
}

// Open maps a file. The error is of the kind ErrDamaged if it is no database; it
// is an error of the file system if the file can't be read.
func Open(path string) (*Reader, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() < int64(headerBytes) {
		return nil, fmt.Errorf("%s: %w: %d bytes", path, ErrDamaged, info.Size())
	}
	data, unmap, err := mapFile(f, info.Size())
	if err != nil {
		return nil, fmt.Errorf("map %s: %w", path, err)
	}
	r := &Reader{data: data, close: unmap}
	if err := r.readHeader(); err != nil {
		_ = unmap()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return r, nil
}

// Close unmaps the file. Nobody may be reading it.
func (r *Reader) Close() error { return r.close() }

func (r *Reader) readHeader() error {
	head := r.data[:headerBytes]
	if string(head[:len(magic)]) != magic {
		return fmt.Errorf("%w: it begins as no database of this version does", ErrDamaged)
	}
	if crc32.Checksum(head[:headerBytes-4], castagnoli) != binary.LittleEndian.Uint32(head[headerBytes-4:]) {
		return fmt.Errorf("%w: its header has another checksum", ErrDamaged)
	}
	for s := range sections {
		h := head[len(magic)+int(s)*sectionBytes:]
		start, length := binary.LittleEndian.Uint64(h), binary.LittleEndian.Uint64(h[8:])
		r.sums[s] = binary.LittleEndian.Uint32(h[16:])
		size := uint64(len(r.data))
		if start > size || length > size-start {
			return fmt.Errorf("%w: it ends after %d bytes", ErrDamaged, size)
		}
		r.parts[s] = r.data[start : start+length]
	}
	r.keys = len(r.parts[secKeyStarts])/4 - 1
	r.count = len(r.parts[secAdvisoryStart])/8 - 1
	if r.keys < 0 || r.count < 0 || len(r.parts[secClaimStarts]) != (r.keys+1)*8 || len(r.parts[secFacts])%factBytes != 0 {
		return fmt.Errorf("%w: its sections do not fit together", ErrDamaged)
	}
	return nil
}

// Verify reads the whole file and compares checksums.
func (r *Reader) Verify() error {
	for s := range sections {
		if crc32.Checksum(r.parts[s], castagnoli) != r.sums[s] {
			return fmt.Errorf("%w: section %d has another checksum", ErrDamaged, s)
		}
	}
	return nil
}

// Meta gives the owner's JSON.
func (r *Reader) Meta() []byte { return append([]byte(nil), r.parts[secMeta]...) }

// Len is the number of advisories; they are numbered from 0.
func (r *Reader) Len() int { return r.count }

// Keys is the number of packages that advisories name.
func (r *Reader) Keys() int { return r.keys }

// Size is the length of the file in bytes.
func (r *Reader) Size() int64 { return int64(len(r.data)) }

// Advisory reads an advisory and the feed that it came with.
func (r *Reader) Advisory(ref int) (affected.Advisory, string, error) {
	raw, err := r.rawAdvisory(ref)
	if err != nil {
		return affected.Advisory{}, "", err
	}
	return decodeAdvisory(raw)
}

func (r *Reader) rawAdvisory(ref int) (string, error) {
	if ref < 0 || ref >= r.count {
		return "", fmt.Errorf("%w: advisory %d of %d", ErrDamaged, ref, r.count)
	}
	return slice64(r.parts[secAdvisoryStart], r.parts[secAdvisories], ref)
}

// slice64 copies the part of body that an index of uint64 gives for an item.
func slice64(index, body []byte, i int) (string, error) {
	start, end := binary.LittleEndian.Uint64(index[i*8:]), binary.LittleEndian.Uint64(index[i*8+8:])
	if start > end || end > uint64(len(body)) {
		return "", fmt.Errorf("%w: an index points outside", ErrDamaged)
	}
	return string(body[start:end]), nil
}

// key gives the name of a package in place.
func (r *Reader) key(i int) []byte {
	starts, text := r.parts[secKeyStarts], r.parts[secKeyText]
	start, end := binary.LittleEndian.Uint32(starts[i*4:]), binary.LittleEndian.Uint32(starts[i*4+4:])
	if start > end || int(end) > len(text) {
		return nil
	}
	return text[start:end]
}

// Candidates gives what advisories say of a package of one release; release ""
// stands for ecosystems without any. The package is only valid until fn returns.
func (r *Reader) Candidates(base, name, release string, fn func(p *affected.Package, ref int)) error {
	key := Key(base, name)
	i := sort.Search(r.keys, func(i int) bool { return string(r.key(i)) >= key })
	if i >= r.keys || string(r.key(i)) != key {
		return nil
	}
	claims, err := slice64(r.parts[secClaimStarts], r.parts[secClaims], i)
	if err != nil {
		return err
	}
	p := &affected.Package{Name: name}
	return eachClaimOf(claims, func(ref int, raw string) error {
		head := decoder{s: raw}
		if head.text() != release {
			return head.err("a claim is cut short")
		}
		if err := decodeClaim(raw, p); err != nil {
			return err
		}
		p.Ecosystem.Base = base
		fn(p, ref)
		return nil
	})
}

func eachClaimOf(claims string, fn func(ref int, raw string) error) error {
	d := &decoder{s: claims}
	for d.s != "" {
		inner := decoder{s: d.text()}
		ref := inner.uint()
		if d.bad || inner.bad {
			return fmt.Errorf("%w: a list of claims is cut short", ErrDamaged)
		}
		if err := fn(ref, inner.s); err != nil {
			return err
		}
	}
	return nil
}

func (r *Reader) eachClaim(fn func(key string, ref int, raw string) error) error {
	for i := range r.keys {
		claims, err := slice64(r.parts[secClaimStarts], r.parts[secClaims], i)
		if err != nil {
			return err
		}
		key := string(r.key(i))
		err = eachClaimOf(claims, func(ref int, raw string) error { return fn(key, ref, raw) })
		if err != nil {
			return err
		}
	}
	return nil
}

// EachPackage gives everything that the file says of packages, in the order of
// their names. The package is only valid until fn returns.
func (r *Reader) EachPackage(fn func(p *affected.Package, ref int) error) error {
	var p affected.Package
	return r.eachClaim(func(key string, ref int, raw string) error {
		if err := decodeClaim(raw, &p); err != nil {
			return err
		}
		p.Ecosystem.Base, p.Name, _ = strings.Cut(key, "\x00")
		return fn(&p, ref)
	})
}

// Facts gives what is known of a CVE; the zero value if nothing is.
func (r *Reader) Facts(cve string) exploit.Facts {
	want, ok := cveNumber(cve)
	if !ok {
		return exploit.Facts{}
	}
	rows := r.parts[secFacts]
	n := len(rows) / factBytes
	i := sort.Search(n, func(i int) bool { return binary.LittleEndian.Uint64(rows[i*factBytes:]) >= want })
	if i >= n {
		return exploit.Facts{}
	}
	got, f := readFact(rows[i*factBytes : (i+1)*factBytes])
	if got != want {
		return exploit.Facts{}
	}
	return f
}

// EachFact gives what is known of all CVEs, in their order.
func (r *Reader) EachFact(fn func(cve string, f exploit.Facts)) {
	rows := r.parts[secFacts]
	for i := 0; i+factBytes <= len(rows); i += factBytes {
		n, f := readFact(rows[i : i+factBytes])
		fn(fmt.Sprintf("CVE-%04d-%04d", n>>48, n&(1<<48-1)), f)
	}
}
