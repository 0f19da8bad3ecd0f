package content

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/rampart-sec/rampart/internal/base/strictyaml"
)

// Standard is a compliance standard (content/standards): control numbers and
// our own short titles only, never the standard's text. Users write their own
// in the same format.
type Standard struct {
	ID          string            `yaml:"id"`             // slug, key of Recommendation.Standards
	Name        string            `yaml:"name,omitempty"` // name in the API
	Title       string            `yaml:"title"`
	Version     string            `yaml:"version,omitempty"`
	Description string            `yaml:"description,omitempty"`
	Controls    []StandardControl `yaml:"controls"`
}

// StandardControl is one numbered control of a standard.
type StandardControl struct {
	Number string `yaml:"number"`
	Domain string `yaml:"domain,omitempty"`
	Title  string `yaml:"title"` // our own words
	Manual bool   `yaml:"manual,omitempty"`
	// Recommendations are ids of those that serve the control, beside the ones
	// whose own files name its number.
	Recommendations []string `yaml:"recommendations,omitempty"`
}

// Limits of a standard. The title is read in a table, the number is a segment
// of an address.
const (
	MaxControls   = 1000
	maxServing    = 1000 // recommendations of one control
	maxTitle      = 160
	maxText       = 2000
	maxStandardID = 60
)

var (
	standardShape = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]*$`)
	numberShape   = regexp.MustCompile(`^[\p{L}\p{N}][\p{L}\p{N} ._()-]{0,59}$`)
)

// StandardError says what is wrong with a standard, and where.
type StandardError struct {
	Path    []string // keys and list positions, as in the file
	Message string
}

func (e *StandardError) Error() string { return strings.Join(e.Path, ".") + ": " + e.Message }

// ReadStandard reads a user's standard, YAML or JSON, strictly. known reports
// whether there is a recommendation with an id. The error is the first thing
// wrong, with its line.
func ReadStandard(file string, data []byte, known func(id string) bool) (*Standard, error) {
	s := &Standard{}
	err := strictyaml.Decode(file, data, s)
	var several interface{ Unwrap() []error }
	if errors.As(err, &several) {
		return nil, several.Unwrap()[0]
	}
	if err != nil {
		return nil, err
	}
	err = s.Check(known)
	var wrong *StandardError
	if errors.As(err, &wrong) {
		return nil, fmt.Errorf("%s:%d: %w", file, strictyaml.Line(data, wrong.Path...), wrong)
	}
	return s, err
}

// Check looks at a standard by itself; the error is a *StandardError.
func (s *Standard) Check(known func(id string) bool) error {
	wrong := func(message string, path ...string) error { return &StandardError{path, message} }
	switch {
	case len(s.ID) > maxStandardID || !standardShape.MatchString(s.ID):
		return wrong(fmt.Sprintf("%q is not a short name of at most %d lower-case letters, digits, dots and dashes", clip(s.ID), maxStandardID), "id")
	case s.Name != "" && (len(s.Name) > maxStandardID || !standardShape.MatchString(strings.ToLower(s.Name))):
		return wrong(fmt.Sprintf("%q is not a name of at most %d letters, digits, dots and dashes", clip(s.Name), maxStandardID), "name")
	case !isTitle(s.Title):
		return wrong(fmt.Sprintf("a title of 1 to %d characters is needed", maxTitle), "title")
	case utf8.RuneCountInString(s.Version) > maxStandardID:
		return wrong(fmt.Sprintf("it is longer than %d characters", maxStandardID), "version")
	case utf8.RuneCountInString(s.Description) > maxText:
		return wrong(fmt.Sprintf("it is longer than %d characters", maxText), "description")
	case len(s.Controls) > MaxControls:
		return wrong(fmt.Sprintf("there are more than %d controls", MaxControls), "controls")
	}
	numbers := map[string]int{}
	for i := range s.Controls {
		c := &s.Controls[i]
		if at, message := c.wrong(known); message != "" {
			return wrong(message, append([]string{"controls", strconv.Itoa(i)}, at...)...)
		}
		if first, taken := numbers[strings.ToLower(c.Number)]; taken {
			return wrong(fmt.Sprintf("control number %q is also that of control %d", c.Number, first+1), "controls", strconv.Itoa(i), "number")
		}
		numbers[strings.ToLower(c.Number)] = i
	}
	return nil
}

// wrong says what is wrong with a control, "" if nothing is.
func (c *StandardControl) wrong(known func(id string) bool) (path []string, message string) {
	switch {
	case !numberShape.MatchString(c.Number):
		return []string{"number"}, fmt.Sprintf("%q is not a control number of at most 60 letters, digits, spaces and . _ - ( )", clip(c.Number))
	case !isTitle(c.Title):
		return []string{"title"}, fmt.Sprintf("a title of 1 to %d characters is needed", maxTitle)
	case utf8.RuneCountInString(c.Domain) > maxTitle:
		return []string{"domain"}, fmt.Sprintf("it is longer than %d characters", maxTitle)
	case len(c.Recommendations) > maxServing:
		return []string{"recommendations"}, fmt.Sprintf("there are more than %d recommendations", maxServing)
	}
	seen := map[string]bool{}
	for i, id := range c.Recommendations {
		switch id := strings.ToLower(id); {
		case !known(id):
			return []string{"recommendations", strconv.Itoa(i)}, fmt.Sprintf("there is no recommendation %q", clip(id))
		case seen[id]:
			return []string{"recommendations", strconv.Itoa(i)}, fmt.Sprintf("recommendation %s is given twice", id)
		default:
			seen[id] = true
		}
	}
	return nil, ""
}

// isTitle demands one line of text.
func isTitle(s string) bool {
	return strings.TrimSpace(s) != "" && utf8.RuneCountInString(s) <= maxTitle && utf8.ValidString(s) && !strings.ContainsFunc(s, isControl)
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

// clip keeps foreign text short in messages.
func clip(s string) string {
	const most = 80
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "..."
}

// YAML is the standard as a file that ReadStandard reads.
func (s *Standard) YAML() ([]byte, error) { return yaml.Marshal(s) }
