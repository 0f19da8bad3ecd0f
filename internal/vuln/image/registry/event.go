package registry

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"strings"
)

// Event is a push to a repository, or a deletion, as a registry notifies it. It
// holds no address: images are only ever asked for at the registry that was
// configured.
type Event struct {
	Deleted    bool
	Repository string
	Tag        string // "" of a push by digest
	Digest     string
}

// MaxNotification bounds the body of a notification.
const MaxNotification = 1 << 20

// maxEvents bounds the events of one notification.
const maxEvents = 1000

// ErrNotification says that a body is no notification of a known form.
var ErrNotification = errors.New("not a notification of distribution, Azure, Harbor or the generic form")

// target is what distribution and Azure name; the generic form has it at the
// top.
type target struct {
	MediaType  string `json:"mediaType"`
	Repository string `json:"repository"`
	Tag        string `json:"tag"`
	Digest     string `json:"digest"`
}

// notification has the fields of all forms.
type notification struct {
	Events []struct { // distribution
		Action string `json:"action"`
		Target target `json:"target"`
	} `json:"events"`
	Action string  `json:"action"` // Azure and generic
	Target *target `json:"target"`
	target
	Type string `json:"type"` // Harbor
	Data *struct {
		Resources []struct {
			Digest string `json:"digest"`
			Tag    string `json:"tag"`
		} `json:"resources"`
		Repository struct {
			FullName string `json:"repo_full_name"`
		} `json:"repository"`
	} `json:"event_data"`
}

// ParseEvents reads a notification of distribution (docker-registry), Azure
// Container Registry, Harbor, or the generic form
// {"action":"push","repository":"...","tag":"...","digest":"sha256:..."}. Events
// of other kinds (pulls, blobs) are left out.
func ParseEvents(body []byte) ([]Event, error) {
	var n notification
	if err := json.Unmarshal(body, &n); err != nil {
		return nil, ErrNotification
	}
	var all []Event
	add := func(action string, t target) {
		e := Event{Deleted: strings.Contains(strings.ToLower(action), "delete"), Repository: t.Repository, Tag: t.Tag, Digest: t.Digest}
		push := strings.Contains(strings.ToLower(action), "push")
		blob := t.MediaType != "" && !strings.Contains(t.MediaType, "manifest") && !strings.Contains(t.MediaType, "index")
		if (push || e.Deleted) && !blob && e.valid() && len(all) < maxEvents {
			all = append(all, e)
		}
	}
	switch {
	case n.Events != nil:
		for _, e := range n.Events {
			add(e.Action, e.Target)
		}
	case n.Target != nil:
		add(n.Action, *n.Target)
	case n.Data != nil:
		for _, r := range n.Data.Resources {
			tag := r.Tag
			if strings.HasPrefix(tag, "sha256:") { // Harbor repeats the digest
				tag = ""
			}
			add(n.Type, target{Repository: n.Data.Repository.FullName, Tag: tag, Digest: r.Digest})
		}
	case n.Repository != "":
		action := n.Action
		if action == "" {
			action = "push"
		}
		add(action, n.target)
	default:
		return nil, ErrNotification
	}
	return all, nil
}

var (
	repositoryName = regexp.MustCompile(`^[a-z0-9]+(?:(?:[._]|__|-+|/)[a-z0-9]+)*$`)
	tagName        = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$`)
	digestForm     = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)
)

// valid says whether an event names something by the forms of the OCI
// distribution specification.
func (e Event) valid() bool {
	return len(e.Repository) <= 255 && repositoryName.MatchString(e.Repository) && (e.Tag == "" || tagName.MatchString(e.Tag)) &&
		(e.Digest == "" || digestForm.MatchString(e.Digest)) && (e.Tag != "" || e.Digest != "")
}

// Authentic says whether a notification knows the secret: as a bearer token or
// password in Authorization, or as the key of the body's signature
// (X-Rampart-Signature or X-Hub-Signature-256: sha256=HEX of HMAC-SHA256).
func Authentic(h http.Header, body []byte, secret string) bool {
	if secret == "" {
		return false
	}
	for _, name := range []string{"X-Rampart-Signature", "X-Hub-Signature-256"} {
		if text := h.Get(name); text != "" {
			sum, err := hex.DecodeString(strings.TrimPrefix(text, "sha256="))
			m := hmac.New(sha256.New, []byte(secret))
			m.Write(body)
			return err == nil && hmac.Equal(sum, m.Sum(nil))
		}
	}
	given := h.Get("Authorization")
	if _, password, ok := (&http.Request{Header: h}).BasicAuth(); ok {
		given = password
	}
	if scheme, token, ok := strings.Cut(given, " "); ok && strings.EqualFold(scheme, "Bearer") {
		given = token
	}
	a, b := sha256.Sum256([]byte(given)), sha256.Sum256([]byte(secret))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}
