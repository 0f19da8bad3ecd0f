package host

import (
	"path"
	"slices"
	"strings"
)

// nftReader reads nft files and what they include into chains.
type nftReader struct {
	glob   func(pattern string) ([]string, error)
	read   func(name string) ([]byte, error)
	filter packetFilter
	files  int
	unread error
}

const maxNftFiles = 256

// nftToken is a word with its line; statements end at "\n" and ";".
type nftToken struct {
	text string
	line int
}

// nftTokens splits nft text: quoted strings are one word with their quotes,
// and a backslash at its end continues a line.
func nftTokens(data []byte) []nftToken {
	var all []nftToken
	for n, line := range Lines(data) {
		continued := false
		for line != "" {
			switch c := line[0]; {
			case c == '#':
				line = ""
				continue
			case c == ' ' || c == '\t':
				line = line[1:]
				continue
			case c == '\\' && strings.TrimSpace(line[1:]) == "":
				continued, line = true, ""
				continue
			case strings.IndexByte("{};", c) >= 0:
				all, line = append(all, nftToken{line[:1], n}), line[1:]
				continue
			case c == '"':
				end := strings.IndexByte(line[1:], '"') + 2
				if end < 2 {
					end = len(line)
				}
				all, line = append(all, nftToken{line[:end], n}), line[end:]
				continue
			}
			end := strings.IndexAny(line, " \t{};#\"")
			if end < 0 {
				end = len(line)
			}
			if end == 0 { // a lone character that begins nothing
				end = 1
			}
			all, line = append(all, nftToken{line[:end], n}), line[end:]
		}
		if !continued {
			all = append(all, nftToken{"\n", n})
		}
	}
	return all
}

func nftEnds(t nftToken) bool { return t.text == ";" || t.text == "\n" }

// file reads one file.
func (r *nftReader) file(name string, data []byte) {
	if r.files++; r.files > maxNftFiles {
		r.unread = &Unreadable{name, "too many included files"}
		return
	}
	tokens := nftTokens(data)
	for len(tokens) > 0 {
		words, rest := nftStatement(tokens)
		tokens = rest
		if len(words) == 0 {
			continue
		}
		r.statement(name, words)
	}
}

// nftStatement cuts one statement, a block in braces included.
func nftStatement(tokens []nftToken) (words, rest []nftToken) {
	depth := 0
	for i, t := range tokens {
		switch {
		case t.text == "{":
			depth++
		case t.text == "}":
			if depth--; depth <= 0 {
				return tokens[:i+1], tokens[i+1:]
			}
		case depth == 0 && nftEnds(t):
			return tokens[:i], tokens[i+1:]
		}
	}
	return tokens, nil
}

// statement takes a statement of the top level.
func (r *nftReader) statement(name string, words []nftToken) {
	if words[0].text == "add" || words[0].text == "create" || words[0].text == "insert" {
		words = words[1:]
	}
	if len(words) < 2 {
		return
	}
	switch words[0].text {
	case "include":
		r.include(name, strings.Trim(words[1].text, `"`))
	case "flush", "delete", "destroy":
		if words[1].text == "ruleset" {
			clear(r.filter)
		}
	case "table":
		header, body := nftBlock(words[1:])
		family, table := nftFamily(header)
		if len(table) > 0 {
			r.table(name, family+" "+table[0].text+" ", family, body)
		}
	case "chain", "rule":
		header, body := nftBlock(words[1:])
		family, path := nftFamily(header)
		if len(path) < 2 {
			return
		}
		key := family + " " + path[0].text + " " + path[1].text
		c := r.chain(key, family, name, words[0].line)
		if words[0].text == "rule" {
			c.statement(append(slices.Clone(path[2:]), body...))
		} else {
			c.body(body)
		}
	}
}

// nftBlock splits a header from the block behind it, braces removed.
func nftBlock(words []nftToken) (header, body []nftToken) {
	for i, t := range words {
		if t.text == "{" {
			return words[:i], words[i+1 : max(i+1, len(words)-1)]
		}
	}
	return words, nil
}

func nftFamily(header []nftToken) (family string, rest []nftToken) {
	if len(header) > 0 && slices.Contains([]string{"ip", "ip6", "inet", "arp", "bridge", "netdev"}, header[0].text) {
		return header[0].text, header[1:]
	}
	return "ip", header
}

func (r *nftReader) include(from, pattern string) {
	if !path.IsAbs(pattern) {
		pattern = path.Join(path.Dir(from), pattern)
	}
	names, err := r.glob(pattern)
	if err != nil {
		r.unread = err
		return
	}
	for _, name := range names {
		data, err := r.read(name)
		switch {
		case Absent(err):
		case err != nil:
			r.unread = err
		default:
			r.file(name, data)
		}
	}
}

// table takes the chains of a table's block.
func (r *nftReader) table(name, prefix, family string, body []nftToken) {
	for len(body) > 0 {
		words, rest := nftStatement(body)
		body = rest
		if len(words) > 1 && words[0].text == "chain" {
			c := r.chain(prefix+words[1].text, family, name, words[0].line)
			_, inner := nftBlock(words)
			c.body(inner)
		}
		if len(words) > 1 && words[0].text == "include" {
			r.include(name, strings.Trim(words[1].text, `"`))
		}
	}
}

func (r *nftReader) chain(key, family, file string, line int) *filterChain {
	c := r.filter[key]
	if c == nil {
		c = &filterChain{family: family, policy: "accept", line: line, path: file}
		r.filter[key] = c
	}
	return c
}

// body takes the statements of a chain's block; braces inside a rule are sets.
func (c *filterChain) body(body []nftToken) {
	start, depth := 0, 0
	for i, t := range body {
		switch {
		case t.text == "{":
			depth++
		case t.text == "}":
			depth--
		case depth == 0 && nftEnds(t):
			c.statement(body[start:i])
			start = i + 1
		}
	}
	c.statement(body[start:])
}

func (c *filterChain) statement(words []nftToken) {
	text := make([]string, 0, len(words))
	for _, w := range words {
		if !nftEnds(w) {
			text = append(text, w.text)
		}
	}
	switch {
	case len(text) == 0 || text[0] == "comment":
	case text[0] == "type":
		c.input = text[1%len(text)] == "filter" && slices.Contains(text, "input")
		c.line = words[0].line
	case text[0] == "policy" && len(text) > 1:
		c.policy = text[1]
	default:
		c.rules = append(c.rules, nftRule(text))
	}
}

// nftRule finds out whether a rule has a condition, and its verdict.
func nftRule(text []string) filterRule {
	for i := 0; i < len(text); i++ {
		switch w := text[i]; w {
		case "counter", "log":
		case "packets", "bytes", "prefix", "level", "flags", "group", "comment", "name", "snaplen", "queue-threshold":
			i++
		case "accept", "drop", "return":
			return filterRule{verdict: w}
		case "reject":
			return filterRule{verdict: "drop"}
		case "jump", "goto":
			if i+1 < len(text) {
				return filterRule{verdict: w, target: text[i+1]}
			}
			return filterRule{conditional: true}
		default:
			return filterRule{conditional: true}
		}
	}
	return filterRule{}
}

// ParseNftables reads one nft file by itself: the line of its input chain,
// whether IPv4 packets that no rule names are dropped, and whether anything is
// filtered. Included files are not read.
func ParseNftables(data []byte) (line int, deny, rules bool) {
	r := nftReader{filter: packetFilter{}, glob: func(string) ([]string, error) { return nil, nil }}
	r.file("", data)
	w := r.filter.summary("nftables", "", false)
	return w.Line, w.DefaultDeny, w.On
}

func (h *Host) nftables() (Firewall, error) {
	for _, name := range []string{"/etc/nftables.conf", "/etc/sysconfig/nftables.conf", "/etc/nftables.nft"} {
		data, err := h.Read(name)
		if Absent(err) {
			continue
		}
		if err != nil {
			return Firewall{}, err
		}
		r := nftReader{filter: packetFilter{}, glob: h.Glob, read: h.Read}
		r.file(name, data)
		if r.unread != nil {
			return Firewall{}, r.unread
		}
		how, err := h.ServiceOn("nftables.service")
		if err != nil {
			return Firewall{}, err
		}
		w := r.filter.summary("nftables", name, h.ipv6())
		if how == "" {
			w.On, w.DefaultDeny, w.Note = false, false, "nothing loads the rules at start"
		}
		return w, nil
	}
	return Firewall{}, nil
}
