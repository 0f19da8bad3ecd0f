package scanner

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/vuln/image/registry"
)

// Connector is a connected registry.
type Connector struct {
	Name     string // of the registry's resource
	Registry registry.Options
	// Scope is the id of the resource group that its images are in.
	Scope string
	// Secret is what notifications must know; "" takes none.
	Secret string
	// Repositories are those that are looked at; none means those of the
	// registry's catalog.
	Repositories []string
	// Newest is how many tags of each repository are looked at when the registry
	// is listed; 0 is 10. What is pushed later is scanned whatever its tag.
	Newest int
	// Every is how often the registry is listed, which finds what notifications
	// missed; 0 is an hour.
	Every time.Duration
}

var connectorName = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9-]{0,49}$`)

// check fills in defaults and says what is wrong.
func (c *Connector) check() error {
	if c.Newest == 0 {
		c.Newest = 10
	}
	if c.Every == 0 {
		c.Every = time.Hour
	}
	scope, err := arm.ParseID(c.Scope)
	switch {
	case !connectorName.MatchString(c.Name):
		return fmt.Errorf("registry name %.60q: want letters, digits and hyphens, at most 50", c.Name)
	case err != nil || scope.Type() != arm.TypeResourceGroup:
		return fmt.Errorf("registry %s: scope %.100q is no resource group", c.Name, c.Scope)
	case c.Newest < 0 || c.Newest > 1000:
		return fmt.Errorf("registry %s: newest %d: want 1 to 1000", c.Name, c.Newest)
	case c.Every < time.Minute:
		return fmt.Errorf("registry %s: every %s: want at least 1m", c.Name, c.Every)
	}
	return nil
}

// imageID is the id of an image's document.
func (c *Connector) imageID(digest string) string {
	return c.Scope + "/providers/" + parentType + "/" + c.Name + "/images/" + strings.TrimPrefix(digest, "sha256:")
}
