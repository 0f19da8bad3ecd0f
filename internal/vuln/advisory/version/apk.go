package version

import "strings"

// apkToken is the kind of a part of an apk version, in the order that decides
// when one version ends where another goes on.
type apkToken int

const (
	apkFirst apkToken = iota
	apkNumber
	apkLetter
	apkSuffix
	apkSuffixNumber
	apkCommit
	apkRevision
	apkEnd
	apkInvalid
)

// apkSuffixes from oldest to newest; those before apkRelease are pre-releases.
var apkSuffixes = []string{"alpha", "beta", "pre", "rc", "", "cvs", "svn", "git", "hg", "p"}

const apkRelease = 4

// apkReader yields the parts of an apk version (apk-package(5),
// "version comparison": digit{.digit}{letter}{_suffix{number}}{~hash}{-r#}).
type apkReader struct {
	rest   string
	token  apkToken
	value  string
	suffix int
}

func compareAPK(a, b string) int {
	ra, rb := apkReader{rest: a}, apkReader{rest: b}
	ra.number(apkFirst)
	rb.number(apkFirst)
	for ra.token == rb.token && ra.token < apkEnd {
		if c := ra.compare(&rb); c != 0 {
			return c
		}
		ra.next()
		rb.next()
	}
	switch {
	case ra.token == rb.token:
		return strings.Compare(ra.rest, rb.rest) // equal, or both broken at this place
	case ra.token == apkSuffix && ra.suffix < apkRelease:
		return -1
	case rb.token == apkSuffix && rb.suffix < apkRelease:
		return 1
	}
	return sign(int(rb.token - ra.token))
}

// compare orders two parts of the same kind. Numbers after a dot compare as
// text when one has a leading zero: 1.01 is older than 1.1.
func (r *apkReader) compare(o *apkReader) int {
	switch r.token {
	case apkNumber:
		if strings.HasPrefix(r.value, "0") || strings.HasPrefix(o.value, "0") {
			return strings.Compare(r.value, o.value)
		}
		return compareDigits(r.value, o.value)
	case apkFirst, apkSuffixNumber, apkRevision:
		return compareDigits(r.value, o.value)
	case apkSuffix:
		return sign(r.suffix - o.suffix)
	}
	return strings.Compare(r.value, o.value)
}

func (r *apkReader) next() {
	if r.rest == "" {
		r.token = apkEnd
		return
	}
	was, c := r.token, r.rest[0]
	switch {
	case was <= apkNumber && c >= 'a' && c <= 'z':
		r.token, r.value, r.rest = apkLetter, r.rest[:1], r.rest[1:]
	case was == apkSuffix && isDigit(c):
		r.number(apkSuffixNumber)
	case was <= apkNumber && c == '.':
		r.rest = r.rest[1:]
		r.number(apkNumber)
	case was <= apkSuffixNumber && c == '_':
		r.readSuffix()
	case was <= apkSuffixNumber && c == '~':
		r.readCommit()
	case was < apkRevision && strings.HasPrefix(r.rest, "-r"):
		r.rest = r.rest[2:]
		r.number(apkRevision)
	default:
		r.token = apkInvalid
	}
}

func (r *apkReader) number(token apkToken) {
	r.value, r.rest = digits(r.rest)
	r.token = token
	if r.value == "" {
		r.token = apkInvalid
	}
}

func (r *apkReader) readSuffix() {
	r.rest = r.rest[1:]
	word, rest := letters(r.rest)
	for i, s := range apkSuffixes {
		if s == word && s != "" {
			r.token, r.suffix, r.value, r.rest = apkSuffix, i, word, rest
			return
		}
	}
	r.token = apkInvalid
}

func (r *apkReader) readCommit() {
	end := 1
	for end < len(r.rest) && (isDigit(r.rest[end]) || r.rest[end] >= 'a' && r.rest[end] <= 'f') {
		end++
	}
	r.token, r.value, r.rest = apkCommit, r.rest[1:end], r.rest[end:]
	if r.value == "" {
		r.token = apkInvalid
	}
}
