// Package secret finds secrets in files: private keys, keys of cloud providers,
// tokens of well-known services. What it returns never holds the secret itself.
//
// It must never import anything of this module.
package secret

import (
	"bytes"
	"math"
	"path"
	"regexp"
	"strings"
)

// Secret is a secret that was found, redacted.
type Secret struct {
	Rule     string `json:"rule"` // "aws-access-key"
	Title    string `json:"title"`
	Severity string `json:"severity"` // critical, high or medium
	Path     string `json:"path"`
	Line     int    `json:"line"`  // from 1
	Match    string `json:"match"` // the first characters, then stars
}

// MaxFile is the size up to which a file is searched: secrets lie in
// configuration, not in data.
const MaxFile = 256 << 10

// maxPerFile bounds what is reported of one file.
const maxPerFile = 20

// rule finds one kind of secret: only where anchor occurs, which costs little,
// is the expression tried on the line.
type rule struct {
	id, title, severity string
	anchor              string
	expression          *regexp.Regexp // its first group, or all of it, is the secret
	random              bool           // the secret must look random: examples do not
}

var rules = []rule{
	{"private-key", "Private key", "critical", "-----BEGIN ", regexp.MustCompile(`-----BEGIN ((?:RSA |EC |DSA |OPENSSH |ENCRYPTED |PGP )?PRIVATE KEY)(?: BLOCK)?-----`), false},
	{"aws-access-key", "AWS access key", "critical", "AKIA", regexp.MustCompile(`\b(AKIA[A-Z2-7]{16})\b`), true},
	{"aws-secret-key", "AWS secret access key", "critical", "aws_secret", regexp.MustCompile(`(?i)aws_secret(?:_access)?_key["']?\s*[:=]\s*["']?([A-Za-z0-9/+]{40})\b`), true},
	{"azure-storage-key", "Azure storage account key", "critical", "AccountKey=", regexp.MustCompile(`AccountKey=([A-Za-z0-9/+]{86}==)`), true},
	{"gcp-service-account", "Google Cloud service account key", "critical", `"private_key_id"`, regexp.MustCompile(`"private_key_id":\s*"([0-9a-f]{40})"`), true},
	{"google-api-key", "Google API key", "high", "AIza", regexp.MustCompile(`\b(AIza[0-9A-Za-z_-]{35})\b`), true},
	{"github-token", "GitHub token", "critical", "gh", regexp.MustCompile(`\b((?:ghp|gho|ghu|ghs|ghr)_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{82})\b`), true},
	{"gitlab-token", "GitLab token", "critical", "glpat-", regexp.MustCompile(`\b(glpat-[A-Za-z0-9_-]{20,})`), true},
	{"slack-token", "Slack token", "high", "xox", regexp.MustCompile(`\b(xox[abprs]-[A-Za-z0-9-]{20,})`), true},
	{"slack-webhook", "Slack webhook", "medium", "hooks.slack.com", regexp.MustCompile(`hooks\.slack\.com/services/(T[A-Z0-9]+/B[A-Z0-9]+/[A-Za-z0-9]{20,})`), true},
	{"stripe-key", "Stripe live key", "critical", "k_live_", regexp.MustCompile(`\b((?:sk|rk)_live_[A-Za-z0-9]{20,})\b`), true},
	{"npm-token", "npm token", "critical", "npm_", regexp.MustCompile(`\b(npm_[A-Za-z0-9]{36})\b`), true},
	{"npm-auth", "npm registry credentials", "high", "_auth", regexp.MustCompile(`_auth(?:Token)?\s*=\s*["']?([A-Za-z0-9+/=_.-]{16,})`), true},
	{"pypi-token", "PyPI token", "critical", "pypi-AgEI", regexp.MustCompile(`\b(pypi-AgEI[A-Za-z0-9_-]{50,})`), true},
	{"docker-auth", "Registry credentials", "high", `"auth"`, regexp.MustCompile(`"auth"\s*:\s*"([A-Za-z0-9+/]{8,}={0,2})"`), true},
	{"url-password", "Password in an address", "high", "://", regexp.MustCompile(`\b[a-z][a-z0-9+.-]{2,}://[^\s:/@'"$%{<]{1,64}:([^\s:/@'"$%{<*]{6,128})@[a-zA-Z0-9]`), false},
	{"netrc", "Password in .netrc", "high", "password ", regexp.MustCompile(`(?:^|\s)login \S+\s+password (\S{4,})`), false},
	{"jwt", "JSON web token", "medium", "eyJ", regexp.MustCompile(`\b(eyJ[A-Za-z0-9_-]{15,}\.eyJ[A-Za-z0-9_-]{15,}\.[A-Za-z0-9_-]{20,})`), true},
	{"sendgrid-key", "SendGrid key", "high", "SG.", regexp.MustCompile(`\b(SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43})\b`), true},
	{"vault-token", "Vault token", "critical", "hvs.", regexp.MustCompile(`\b(hvs\.[A-Za-z0-9_-]{24,})`), true},
}

// library are folders of programs that others wrote: what looks like a secret
// there is an example or a test.
var library = []string{"usr/share/", "usr/lib/", "usr/include/", "usr/src/", "lib/", "lib64/", "var/lib/dpkg/", "var/lib/apt/", "var/cache/", "usr/local/go/", "usr/local/lib/"}

// extensions are those of files that hold no text, or text of others.
var extensions = map[string]bool{
	".so": true, ".a": true, ".o": true, ".pyc": true, ".class": true, ".png": true, ".jpg": true, ".gif": true, ".svg": true, ".ico": true, ".woff": true, ".woff2": true, ".ttf": true,
	".gz": true, ".xz": true, ".zip": true, ".mo": true, ".css": true, ".map": true, ".md": true, ".html": true, ".ts": true, ".crt": true,
}

// Worth says whether a file of this path is worth being searched.
func Worth(name string) bool {
	for _, dir := range library {
		if strings.HasPrefix(name, dir) {
			return false
		}
	}
	if strings.Contains(name, "node_modules/") || strings.Contains(name, "site-packages/") || strings.Contains(name, "dist-packages/") || strings.Contains(name, "/vendor/") || strings.Contains(name, "/testdata/") {
		return false
	}
	return !extensions[strings.ToLower(path.Ext(name))]
}

// Find gives the secrets of a text file; a binary file has none.
func Find(name string, data []byte) []Secret {
	if bytes.IndexByte(data[:min(len(data), 1024)], 0) >= 0 {
		return nil
	}
	var all []Secret
	for i := range rules {
		if all = rules[i].find(all, name, data); len(all) >= maxPerFile {
			break
		}
	}
	return all
}

// find looks at every line in which the rule's anchor occurs.
func (r *rule) find(all []Secret, name string, data []byte) []Secret {
	line, done := 1, 0
	for at := 0; len(all) < maxPerFile; {
		i := bytes.Index(data[at:], []byte(r.anchor))
		if i < 0 {
			break
		}
		at += i
		begin := bytes.LastIndexByte(data[:at], '\n') + 1
		end := len(data)
		if j := bytes.IndexByte(data[at:], '\n'); j >= 0 {
			end = at + j
		}
		line += bytes.Count(data[done:begin], []byte{'\n'})
		done = begin
		from := max(begin, at-1024) // of a long line, what is near
		if m := r.expression.FindSubmatch(data[from:min(end, at+4096)]); m != nil && (!r.random || random(m[1])) {
			all = append(all, Secret{r.id, r.title, r.severity, name, line, Redact(string(m[1]))})
		}
		at = end
	}
	return all
}

// Redact keeps at most the first four characters of a secret, and a quarter of
// it.
func Redact(s string) string {
	s = strings.ToValidUTF8(s, "")
	if strings.HasSuffix(s, "PRIVATE KEY") {
		return s
	}
	return s[:min(4, len(s)/4)] + "********"
}

// random says whether a text looks like a generated one: examples repeat
// themselves or say so.
func random(s []byte) bool {
	lower := bytes.ToLower(s)
	for _, word := range []string{"example", "xxxx", "0000", "1234567", "your"} {
		if bytes.Contains(lower, []byte(word)) {
			return false
		}
	}
	var count [256]int
	for _, c := range s {
		count[c]++
	}
	entropy := 0.0
	for _, n := range count {
		if n > 0 {
			p := float64(n) / float64(len(s))
			entropy -= p * math.Log2(p)
		}
	}
	return entropy >= 2.5 || len(s) < 12 && entropy >= 2
}
