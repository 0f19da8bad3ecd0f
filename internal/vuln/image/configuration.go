package image

import (
	"regexp"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/rampart-sec/rampart/internal/vuln/image/secret"
)

// Configuration is a finding about how an image is configured.
type Configuration struct {
	ID       string `json:"id"` // "runs-as-root"
	Title    string `json:"title"`
	Severity string `json:"severity"`
	Evidence string `json:"evidence,omitempty"`
	Fix      string `json:"fix"`
}

// maxConfiguration bounds the findings of one image.
const maxConfiguration = 100

// configuration judges the configuration of an image; an image without one (a
// bare file system) has no findings.
func configuration(c *v1.ConfigFile) []Configuration {
	all := []Configuration{}
	if c == nil || c.OS == "windows" {
		return all
	}
	if user, _, _ := strings.Cut(c.Config.User, ":"); user == "" || user == "root" || user == "0" {
		all = append(all, Configuration{"runs-as-root", "The image runs as root", "medium", "user " + quoted(c.Config.User), "Add a USER instruction with a user that has no privileges."})
	}
	if h := c.Config.Healthcheck; h == nil || len(h.Test) == 0 || h.Test[0] == "NONE" {
		all = append(all, Configuration{"no-healthcheck", "The image has no health check", "low", "", "Add a HEALTHCHECK instruction, or leave it to the probes of the cluster and disable this finding."})
	}
	for _, port := range []string{"22/tcp", "23/tcp"} {
		if _, ok := c.Config.ExposedPorts[port]; ok {
			all = append(all, Configuration{"remote-login", "The image offers a remote login", "medium", "port " + port, "Remove the service: use the engine's own exec."})
		}
	}
	all = append(all, environment(c.Config.Env)...)
	all = append(all, history(c.History)...)
	return all[:min(len(all), maxConfiguration)]
}

func quoted(s string) string {
	if s == "" {
		return "is not set"
	}
	return s
}

// secretName finds variables whose name says that they hold a secret;
// placeFor those that only say where one is.
var (
	secretName = regexp.MustCompile(`(?i)(passw(or)?d|passphrase|secret|token|api_?key|access_?key|private_?key|credential)`)
	placeFor   = regexp.MustCompile(`(?i)(_file|_path|_url|_uri|_dir|_name|_id|_ttl|_header|_type|_expiry|_len(gth)?)$`)
)

// environment finds secrets in variables, by what they are or by their name.
func environment(env []string) []Configuration {
	var all []Configuration
	for _, e := range env {
		name, value, _ := strings.Cut(e, "=")
		found := secret.Find("ENV", []byte(value))
		named := secretName.MatchString(name) && !placeFor.MatchString(name) && len(value) >= 4 && !strings.HasPrefix(value, "/") && !strings.HasPrefix(value, "$")
		if len(found) > 0 || named {
			all = append(all, Configuration{"secret-in-env", "A secret is in the environment of the image", "high", clip(name) + "=" + secret.Redact(value), "Give it at run time from a secret store, and change it: everybody who can pull the image has it."})
		}
	}
	return all
}

var (
	addURL = regexp.MustCompile(`(?:^|\s)ADD (?:--\S+\s+)*(https?://\S+)`)
	passed = regexp.MustCompile(`(?i)(?:^|[\s|;&])(?:ARG|export)?\s*([A-Za-z_]*(?:password|passwd|secret|token|api_?key)[A-Za-z_]*)=([^\s$"']{4,})`)
)

// history looks at the steps of the build.
func history(steps []v1.History) []Configuration {
	var all []Configuration
	for _, h := range steps {
		step := h.CreatedBy[:min(len(h.CreatedBy), 64<<10)]
		if m := addURL.FindStringSubmatch(step); m != nil {
			all = append(all, Configuration{"add-from-url", "The build adds a file from an address", "low", clip(m[1]), "Fetch it in a RUN step, and check its digest or signature."})
		}
		for _, m := range passed.FindAllStringSubmatch(step, 5) {
			if !placeFor.MatchString(m[1]) && !strings.HasPrefix(strings.TrimSpace(step), "ENV ") && !strings.Contains(step, "#(nop)  ENV") {
				all = append(all, Configuration{"secret-in-history", "A secret is in the build history of the image", "high", clip(m[1]) + "=" + secret.Redact(m[2]), "Use a build secret (RUN --mount=type=secret), and change it: everybody who can pull the image has it."})
			}
		}
	}
	return all
}

func clip(s string) string {
	s = strings.ToValidUTF8(s, "?")
	if len(s) > 200 {
		return s[:200] + "..."
	}
	return s
}
