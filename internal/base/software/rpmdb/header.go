package rpmdb

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strconv"
	"strings"

	"github.com/rampart-sec/rampart/internal/base/software"
)

// Tags and types of an rpm header that are read.
const (
	tagName, tagVersion, tagRelease, tagEpoch = 1000, 1001, 1002, 1003
	tagVendor, tagArch, tagSource             = 1011, 1022, 1044
	tagModule                                 = 5096
	typeInt32, typeString                     = 4, 6
)

var errHeader = errors.New("damaged rpm header")

// ParseHeader reads a header as rpm stores it: the number of index entries and
// of data bytes, the entries (tag, type, offset, count), the data. The
// package's Origin is its vendor.
func ParseHeader(b []byte) (software.Package, error) {
	if len(b) < 8 {
		return software.Package{}, errHeader
	}
	entries, size := uint64(binary.BigEndian.Uint32(b)), uint64(binary.BigEndian.Uint32(b[4:]))
	if 8+16*entries+size > uint64(len(b)) {
		return software.Package{}, errHeader
	}
	data := b[8+16*entries:][:size]
	var p software.Package
	var release, epoch string
	for i := range entries {
		e := b[8+16*i:]
		var to *string
		switch binary.BigEndian.Uint32(e) {
		case tagName:
			to = &p.Name
		case tagVersion:
			to = &p.Version
		case tagRelease:
			to = &release
		case tagEpoch:
			to = &epoch
		case tagArch:
			to = &p.Arch
		case tagSource:
			to = &p.Source
		case tagVendor:
			to = &p.Origin
		case tagModule:
			to = &p.Module
		default:
			continue
		}
		*to = headerValue(binary.BigEndian.Uint32(e[4:]), binary.BigEndian.Uint32(e[8:]), data)
	}
	if p.Name == "" {
		return software.Package{}, errHeader
	}
	p.Version = evr(epoch, p.Version, release)
	p.Source, p.SourceVersion = source(p.Source, epoch)
	if p.SourceVersion == p.Version {
		p.SourceVersion = ""
	}
	if parts := strings.Split(p.Module, ":"); len(parts) >= 2 {
		p.Module = parts[0] + ":" + parts[1]
	}
	return p, nil
}

// headerValue is a string or a number as text, "" if it is neither or cut off.
func headerValue(kind, offset uint32, data []byte) string {
	if uint64(offset) >= uint64(len(data)) {
		return ""
	}
	data = data[offset:]
	switch {
	case kind == typeString:
		if end := bytes.IndexByte(data, 0); end >= 0 && end <= 512 {
			return strings.ToValidUTF8(string(data[:end]), "")
		}
	case kind == typeInt32 && len(data) >= 4:
		return strconv.FormatUint(uint64(binary.BigEndian.Uint32(data)), 10)
	}
	return ""
}

// evr joins epoch, version and release; an epoch of 0 is not written.
func evr(epoch, version, release string) string {
	if release != "" {
		version += "-" + release
	}
	if epoch != "" && epoch != "0" {
		version = epoch + ":" + version
	}
	return version
}

// source cuts "bash-5.1-2.el9.src.rpm" into "bash" and "5.1-2.el9". The epoch
// is the binary package's: the file's name has none.
func source(file, epoch string) (name, version string) {
	name = strings.TrimSuffix(strings.TrimSuffix(file, ".src.rpm"), ".nosrc.rpm")
	release := ""
	if i := strings.LastIndexByte(name, '-'); i > 0 {
		name, release = name[:i], name[i+1:]
	}
	if i := strings.LastIndexByte(name, '-'); i > 0 {
		name, version = name[:i], evr(epoch, name[i+1:], release)
	}
	return name, version
}
