package webserver

import (
	"errors"
	"io"

	"github.com/rampart-sec/rampart/internal/threat/event"
	"github.com/rampart-sec/rampart/internal/threat/event/lines"
)

// The log sources of lines.
var (
	kindAccess      = event.NewKind("", []string{"webserver"}, []string{"apache", "nginx"})
	kindApacheError = event.NewKind("", []string{"webserver"}, []string{"apache"})
	kindNginxError  = event.NewKind("", []string{"webserver"}, []string{"nginx"})
	kindW3C         = event.NewKind("", []string{"webserver"}, []string{"iis"})
)

// Names of fields.
var (
	fClient    = []byte("c-ip")
	fUser      = []byte("cs-username")
	fMethod    = []byte("cs-method")
	fStem      = []byte("cs-uri-stem")
	fQuery     = []byte("cs-uri-query")
	fClientURI = []byte("c-uri")
	fURI       = []byte("cs-uri")
	fURIQuery  = []byte("c-uri-query")
	fExtension = []byte("c-uri-extension")
	fVersion   = []byte("cs-version")
	fStatus    = []byte("sc-status")
	fBytes     = []byte("sc-bytes")
	fReferer   = []byte("cs-referer")
	fAgent     = []byte("cs-user-agent")
	fAgent2    = []byte("c-useragent")
	fHost      = []byte("cs-host")
	fCookie    = []byte("cs-cookie")
	fMessage   = []byte("message")
	fLevel     = []byte("level")
)

// errUnknown is what lines of other formats are.
var errUnknown = errors.New("it is in none of the formats: common, combined, Apache or nginx error log, W3C extended with #Fields")

// New makes a decoder of one log.
func New(in io.Reader, s *event.Schema) event.Decoder {
	p := &parser{}
	return lines.New(in, s, p.parse)
}

// parser fills records.
type parser struct {
	w3c []column // of the last #Fields line, nil before any
}

func (p *parser) parse(line []byte, r *event.Record) error {
	r.SetText(line)
	switch {
	case line[0] == '#':
		p.directive(line)
		return lines.ErrNoRecord
	case line[0] == '[':
		return apacheError(line, r)
	case p.w3c != nil:
		return p.extended(line, r)
	case len(line) > 19 && line[4] == '/' && line[7] == '/':
		return nginxError(line, r)
	}
	return access(line, r)
}

func add(r *event.Record, name, value []byte) {
	if len(value) > 0 && !(len(value) == 1 && value[0] == '-') {
		r.Add(name, value)
	}
}
