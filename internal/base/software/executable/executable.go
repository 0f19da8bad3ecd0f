// Package executable reads what compilers leave in programs: the build
// information of Go and the dependency list of cargo-auditable (Rust). Stripped
// programs keep both.
//
// It must never import anything of this module but software.
package executable

import (
	"bytes"
	"compress/zlib"
	"debug/buildinfo"
	"debug/elf"
	"debug/pe"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/rampart-sec/rampart/internal/base/software"
)

// HeadSize is how much of a file Candidate wants to see.
const HeadSize = 4096

// Candidate says by the first bytes of a file whether Read could find something
// in it: it is a program for Linux, Windows or macOS. Shared libraries of Linux
// that no loader starts are not, unless Go made them.
func Candidate(head []byte) bool {
	switch {
	case len(head) < 64:
		return false
	case string(head[:4]) == elf.ELFMAG:
		return elfProgram(head)
	case head[0] == 'M' && head[1] == 'Z':
		return true
	}
	magic := binary.LittleEndian.Uint32(head)
	return magic == 0xfeedface || magic == 0xfeedfacf
}

// elfProgram says whether an ELF file of type EXEC or DYN names a loader (a
// program), is linked without any (static), or has the note that Go leaves.
func elfProgram(head []byte) bool {
	var order binary.ByteOrder = binary.LittleEndian
	if head[elf.EI_DATA] == byte(elf.ELFDATA2MSB) {
		order = binary.BigEndian
	}
	switch elf.Type(order.Uint16(head[16:])) {
	case elf.ET_EXEC:
		return true
	case elf.ET_DYN:
		return bytes.Contains(head, []byte("/ld")) || bytes.Contains(head, []byte("Go\x00\x00"))
	}
	return false
}

// Read gives the packages that a program was built from, none if it says
// nothing. The error is for a program whose information is damaged.
func Read(path string, r io.ReaderAt) (all []software.Package, err error) {
	defer func() { // the readers of the standard library are not made for hostile files
		if p := recover(); p != nil {
			all, err = nil, fmt.Errorf("damaged executable: %v", p)
		}
	}()
	if info, err := buildinfo.Read(r); err == nil {
		return ofGo(path, info), nil
	}
	return ofRust(path, r)
}

func ofGo(path string, info *buildinfo.BuildInfo) []software.Package {
	var all []software.Package
	add := func(module, version string) {
		if module != "" && version != "" && version != "(devel)" {
			all = append(all, software.GoModule(module, version, path))
		}
	}
	add(info.Main.Path, info.Main.Version)
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		add(m.Path, m.Version)
	}
	// "go1.21.3 X:boringcrypto" names experiments; "devel go1.22-..." has no
	// release.
	if version, _, _ := strings.Cut(info.GoVersion, " "); strings.HasPrefix(version, "go") {
		add("stdlib", strings.TrimPrefix(version, "go"))
	}
	return all
}

// maxAudit bounds the inflated list of cargo-auditable.
const maxAudit = 8 << 20

// ofRust reads the section that cargo-auditable adds: JSON, compressed
// (https://github.com/rust-secure-code/cargo-auditable).
func ofRust(path string, r io.ReaderAt) ([]software.Package, error) {
	data := auditSection(r)
	if data == nil {
		return nil, nil
	}
	z, err := zlib.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("list of crates: %w", err)
	}
	data, err = io.ReadAll(io.LimitReader(z, maxAudit+1))
	if err != nil {
		return nil, fmt.Errorf("list of crates: %w", err)
	}
	if len(data) > maxAudit {
		return nil, errors.New("the list of crates is larger than any program's")
	}
	var list struct {
		Packages []struct {
			Name    string `json:"name"`
			Version string `json:"version"`
			Kind    string `json:"kind"`
			Root    bool   `json:"root"`
		} `json:"packages"`
	}
	if err := json.Unmarshal(data, &list); err != nil {
		return nil, fmt.Errorf("list of crates: %w", err)
	}
	var all []software.Package
	for _, p := range list.Packages {
		if p.Name != "" && p.Version != "" && p.Kind != "build" && !p.Root {
			all = append(all, software.Crate(p.Name, p.Version, path))
		}
	}
	return all, nil
}

// auditSection is the compressed list, nil if there is none. Section headers
// that cannot be read are those of a program that was cut down: it says nothing.
func auditSection(r io.ReaderAt) []byte {
	if f, err := elf.NewFile(r); err == nil {
		if s := f.Section(".dep-v0"); s != nil && s.Size <= maxAudit {
			return sectionData(s.Open())
		}
		return nil
	}
	if f, err := pe.NewFile(r); err == nil {
		if s := f.Section(".dep-v0"); s != nil && s.Size <= maxAudit {
			return sectionData(s.Open())
		}
	}
	return nil
}

func sectionData(r io.Reader) []byte {
	data, err := io.ReadAll(io.LimitReader(r, maxAudit))
	if err != nil {
		return nil
	}
	return data
}
