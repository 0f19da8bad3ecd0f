package software

import (
	"bytes"
	"strings"
)

// Apk reads Alpine's database of installed packages: one letter, a colon, a
// value; paragraphs end with an empty line.
func Apk(path string, data []byte) ([]Package, error) {
	empty := len(bytes.TrimSpace(data)) == 0
	var all []Package
	p := Package{Path: path}
	flush := func() {
		if p.Name != "" && p.Version != "" {
			all = append(all, p)
		}
		p = Package{Path: path}
	}
	for len(data) > 0 {
		var line []byte
		line, data, _ = bytes.Cut(data, []byte{'\n'})
		line = bytes.TrimSuffix(line, []byte{'\r'})
		if len(line) == 0 {
			flush()
			continue
		}
		if len(line) < 2 || line[1] != ':' {
			continue
		}
		switch value := line[2:]; line[0] {
		case 'P':
			p.Name = clean(value)
		case 'V':
			p.Version = clean(value)
		case 'A':
			p.Arch = clean(value)
		case 'o':
			p.Source = clean(value)
		}
	}
	flush()
	if len(all) == 0 && !empty {
		return nil, errNoPackage
	}
	return all, nil
}

// apkNamespace is the purl namespace of a distribution that uses apk.
func (r Release) apkNamespace() string {
	if r.ID == "" {
		return "alpine"
	}
	return strings.ToLower(r.ID)
}
