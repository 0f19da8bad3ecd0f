package ecosystem

import "strings"

// Name spells a package's name as the ecosystem compares it, so that two
// spellings of one package are equal text.
func Name(base, name string) string {
	switch base {
	case "PyPI":
		return pypiName(name)
	case "NuGet", "Packagist", "GitHub Actions", "VSCode", "SwiftURL":
		return strings.ToLower(name)
	case "Go":
		if name == "std" {
			return "stdlib"
		}
	}
	return name
}

// pypiName normalises as PEP 503: lower case, runs of ".", "-", "_" are one "-".
func pypiName(name string) string {
	plain := true
	for i := 0; i < len(name) && plain; i++ {
		c := name[i]
		plain = c != '.' && c != '_' && (c < 'A' || c > 'Z') && (c != '-' || i == 0 || name[i-1] != '-')
	}
	if plain {
		return name
	}
	var b strings.Builder
	run := false
	for _, r := range strings.ToLower(name) {
		if r == '.' || r == '-' || r == '_' {
			run = true
			continue
		}
		if run {
			b.WriteByte('-')
			run = false
		}
		b.WriteRune(r)
	}
	if run {
		b.WriteByte('-')
	}
	return b.String()
}
