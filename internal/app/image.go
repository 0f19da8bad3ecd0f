package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/base/wire"
	"github.com/rampart-sec/rampart/internal/vuln/advisory"
	"github.com/rampart-sec/rampart/internal/vuln/image"
	"github.com/rampart-sec/rampart/internal/vuln/image/registry"
	"github.com/rampart-sec/rampart/internal/vuln/image/scanner"
)

// Registry is a connected registry in the configuration.
type Registry struct {
	// Name is that of the registry's resource.
	Name string `yaml:"name"`
	// Address is HOST or HOST:PORT.
	Address string `yaml:"address"`
	// Insecure speaks plain HTTP.
	Insecure bool `yaml:"insecure"`
	// CA is a file with the certificate of a private authority.
	CA string `yaml:"ca"`
	// Auth says who we are there; without it nobody.
	Auth RegistryAuth `yaml:"auth"`
	// AllowHosts are hosts that the registry may send to although their
	// addresses are internal.
	AllowHosts []string `yaml:"allowHosts"`
	// Repositories are those that are looked at. Default: the catalog's.
	Repositories []string `yaml:"repositories"`
	// Newest is how many tags of each repository are scanned when the registry is
	// connected. Default 10.
	Newest int `yaml:"newest"`
	// Every is how often the registry is listed. Default 1h.
	Every time.Duration `yaml:"every"`
	// NotificationSecretFile holds what notifications must know. Without it none
	// are taken.
	NotificationSecretFile string `yaml:"notificationSecretFile"`
	// Subscription and ResourceGroup are where its images are shown. Default: the
	// server's own subscription, the group registries.
	Subscription  string `yaml:"subscription"`
	ResourceGroup string `yaml:"resourceGroup"`
}

// RegistryAuth names credentials; secrets are in files.
type RegistryAuth struct {
	Kind         string `yaml:"kind"`         // basic, token, acr, ecr, gcr
	Username     string `yaml:"username"`     // acr: application id; ecr: access key id
	PasswordFile string `yaml:"passwordFile"` // password, token, application secret, secret access key or key file
	Tenant       string `yaml:"tenant"`       // acr
	Region       string `yaml:"region"`       // ecr
}

// maxSecret bounds a file with a secret.
const maxSecret = 64 << 10

// secretFile reads a secret; "" without a file.
func secretFile(name string) (string, error) {
	if name == "" {
		return "", nil
	}
	info, err := os.Stat(name)
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() || info.Size() > maxSecret {
		return "", fmt.Errorf("%s: want a regular file of at most %d bytes", name, maxSecret)
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return "", err
	}
	secret := strings.TrimSpace(string(data))
	if secret == "" {
		return "", fmt.Errorf("%s is empty", name)
	}
	return secret, nil
}

// connector makes what the scanner wants of the configuration.
func (r Registry) connector(subscription string) (scanner.Connector, error) {
	password, err := secretFile(r.Auth.PasswordFile)
	secret, err2 := secretFile(r.NotificationSecretFile)
	var ca []byte
	var err3 error
	if r.CA != "" {
		ca, err3 = os.ReadFile(r.CA)
	}
	if err := errors.Join(err, err2, err3); err != nil {
		return scanner.Connector{}, fmt.Errorf("registry %s: %w", r.Name, err)
	}
	return scanner.Connector{
		Name: r.Name, Secret: secret, Repositories: r.Repositories, Newest: r.Newest, Every: r.Every,
		Scope: "/subscriptions/" + cmp.Or(r.Subscription, subscription) + "/resourceGroups/" + cmp.Or(r.ResourceGroup, "registries"),
		Registry: registry.Options{Registry: r.Address, Insecure: r.Insecure, CA: ca, AllowHosts: r.AllowHosts,
			Auth: registry.Auth{Kind: r.Auth.Kind, Username: r.Auth.Username, Password: password, Tenant: r.Auth.Tenant, Region: r.Auth.Region}},
	}, nil
}

type imageParts struct {
	store        *store.DB
	deliver      func(ctx context.Context, tenant string, docs []wire.Document) error
	advisories   *advisory.Live
	subscription string
	metrics      prometheus.Registerer
}

// newScanner makes the scanner of the configured registries, nil if there are
// none.
func (a *App) newScanner(p imageParts) (*scanner.Scanner, error) {
	var connectors []scanner.Connector
	for _, r := range a.opt.Config.Registries {
		c, err := r.connector(p.subscription)
		if err != nil {
			return nil, fmt.Errorf("configuration: %w", err)
		}
		connectors = append(connectors, c)
	}
	if len(connectors) == 0 {
		return nil, nil
	}
	s, err := scanner.New(scanner.Options{Store: p.store, Tenant: store.DefaultTenant, Advisories: p.advisories, Connectors: connectors, Deliver: p.deliver,
		Cache: &image.Cache{Dir: filepath.Join(a.opt.Config.Data, "layers")}, MaxAge: a.opt.Config.AdvisoriesMaxAge, Seen: a.noteSeen, Now: a.opt.Now, Log: a.opt.Log, Registerer: p.metrics})
	if err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	return s, nil
}

// withNotifications adds the path that registries notify to a face.
func withNotifications(face http.Handler, s *scanner.Scanner) http.Handler {
	if s == nil {
		return face
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, scanner.NotificationPrefix) && strings.HasSuffix(r.URL.Path, scanner.NotificationSuffix) {
			s.ServeHTTP(w, r)
			return
		}
		face.ServeHTTP(w, r)
	})
}

// advisoryPoll is how often the folder of advisories is looked at.
const advisoryPoll = 5 * time.Second

// followAdvisories calls changed whenever the advisories in a folder are others
// than before, whoever imported them, with what differs or why they cannot be read.
func followAdvisories(ctx context.Context, dir string, live *advisory.Live, changed func(context.Context, advisory.Change, error) error) error {
	before := folderMark(dir)
	tick := time.NewTicker(advisoryPoll)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		now := folderMark(dir)
		if now == before {
			continue
		}
		before = now
		change, err := live.Renew()
		if err := changed(ctx, change, err); err != nil {
			return err
		}
	}
}

// folderMark changes whenever a file of a folder, or of one in it, is another.
func folderMark(dir string) string {
	var b strings.Builder
	for _, pattern := range []string{"*", "*/*"} {
		names, _ := filepath.Glob(filepath.Join(dir, pattern)) // the pattern is sound
		for _, name := range names {
			if info, err := os.Stat(name); err == nil && info.Mode().IsRegular() {
				fmt.Fprintf(&b, "%s %d %d\n", name, info.Size(), info.ModTime().UnixNano())
			}
		}
	}
	return b.String()
}
