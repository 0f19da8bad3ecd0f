package app

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/rampart-sec/rampart/internal/base/strictyaml"
)

// Config is the server's configuration, one strict YAML file whose keys are
// the names below. Every field's zero value means the default that is named.
type Config struct {
	// Data is the folder of everything that is kept. Default: the user's data
	// folder (DefaultData).
	Data string `yaml:"data"`
	// Store is "" or "sqlite" for the embedded store in Data, or a
	// postgres:// URL.
	Store string `yaml:"store"`
	// Listen is where API and agents are served over TLS. Default 127.0.0.1:8443.
	Listen string `yaml:"listen"`
	// Dashboard is where pages are served in plain HTTP; loopback only. "" is
	// 127.0.0.1:8080, "off" serves pages at Listen alone.
	Dashboard string `yaml:"dashboard"`
	// Advertise is the host name that clients use to reach Listen.
	Advertise string `yaml:"advertise"`
	// Agent says whether this process also assesses its own machine.
	Agent bool `yaml:"agent"`
	// Demo adds the sample tenant.
	Demo bool `yaml:"demo"`
	// StaleAfter is the age from which a document counts as stale. Default 24h.
	StaleAfter time.Duration `yaml:"staleAfter"`
	// KeepHistory is how far back scores and their changes are kept. Default
	// 17520h, two years.
	KeepHistory time.Duration `yaml:"keepHistory"`

	// Aliases is a table of policy aliases, laid over the one that ships: rows of
	// type, alias and path, or a provider list as JSON; either packed with gzip.
	Aliases string `yaml:"aliases"`

	// Advisories is the folder of the advisory database, or of an OSV export.
	// Default: advisories in Data.
	Advisories string `yaml:"advisories"`
	// FetchAdvisories is "" or "off" for never, or "nightly": the advisories of
	// the ecosystems that scans have met are then downloaded once a night.
	FetchAdvisories string `yaml:"fetchAdvisories"`
	// AdvisoriesFrom is the address of a mirror of the OSV export. Default: the
	// public one, with CISA's and FIRST's lists.
	AdvisoriesFrom string `yaml:"advisoriesFrom"`
	// AdvisoriesMaxAge is the age from which a scan with them is an error.
	// Default 720h, thirty days.
	AdvisoriesMaxAge time.Duration `yaml:"advisoriesMaxAge"`
	// Registries are the connected registries, whose images are scanned.
	Registries []Registry `yaml:"registries"`

	TLS TLS `yaml:"tls"`
	Log Log `yaml:"log"`

	// StepPorts lets a busy default port step to the next one (rampart up).
	StepPorts bool `yaml:"-"`
	// Root is the file system root that the local agent reads, "/" by default;
	// trials and tests point it elsewhere.
	Root string `yaml:"-"`
}

// TLS names the server's certificate. Both empty: a certificate of the
// server's own authority under Data/tls.
type TLS struct {
	Certificate string `yaml:"certificate"`
	Key         string `yaml:"key"`
}

// Log says how the server logs to standard error.
type Log struct {
	Level  string `yaml:"level"`  // debug, info (default), warn, error
	Format string `yaml:"format"` // text (default), json
}

const maxConfig = 1 << 20

// ReadConfig reads and checks a configuration file. The error names file,
// line and, for an unknown key, the nearest known one.
func ReadConfig(file string) (Config, error) {
	var c Config
	info, err := os.Stat(file)
	if err != nil {
		return c, fmt.Errorf("configuration: %w", err)
	}
	if !info.Mode().IsRegular() || info.Size() > maxConfig {
		return c, fmt.Errorf("configuration %s: want a regular file of at most %d bytes", file, maxConfig)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return c, fmt.Errorf("configuration: %w", err)
	}
	if err := strictyaml.Decode(file, data, &c); err != nil {
		return c, fmt.Errorf("configuration: %w", err)
	}
	return c, c.Check()
}

// Check fills in defaults and says everything that is wrong.
func (c *Config) Check() error {
	if c.Data == "" {
		c.Data = DefaultData()
	}
	if c.Advisories == "" {
		c.Advisories = filepath.Join(c.Data, "advisories")
	}
	if c.Listen == "" {
		c.Listen = "127.0.0.1:8443"
	}
	if c.Dashboard == "" {
		c.Dashboard = "127.0.0.1:8080"
	}
	if c.StaleAfter == 0 {
		c.StaleAfter = 24 * time.Hour
	}
	if c.KeepHistory == 0 {
		c.KeepHistory = 2 * 365 * 24 * time.Hour
	}
	if c.AdvisoriesMaxAge == 0 {
		c.AdvisoriesMaxAge = 30 * 24 * time.Hour
	}
	if c.Root == "" {
		c.Root = "/"
	}
	return errors.Join(c.checkAdvisories(), c.checkAddresses(), c.checkStore(), c.checkRest())
}

func (c *Config) checkAddresses() error {
	var errs []error
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		errs = append(errs, fmt.Errorf("listen %q: want HOST:PORT", c.Listen))
	}
	if c.Dashboard != "off" {
		host, _, err := net.SplitHostPort(c.Dashboard)
		if ip := net.ParseIP(host); err != nil || host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			errs = append(errs, fmt.Errorf("dashboard %q: plain HTTP is served on loopback only; want 127.0.0.1:PORT or off", c.Dashboard))
		}
	}
	return errors.Join(errs...)
}

func (c *Config) checkStore() error {
	if c.Store == "" || c.Store == "sqlite" {
		return nil
	}
	u, err := url.Parse(c.Store)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
		return fmt.Errorf("store: want sqlite or a postgres:// URL")
	}
	return nil
}

func (c *Config) checkRest() error {
	var errs []error
	if (c.TLS.Certificate == "") != (c.TLS.Key == "") {
		errs = append(errs, errors.New("tls: certificate and key go together"))
	}
	if c.StaleAfter < time.Minute {
		errs = append(errs, fmt.Errorf("staleAfter %v: want at least 1m", c.StaleAfter))
	}
	if c.KeepHistory < 24*time.Hour {
		errs = append(errs, fmt.Errorf("keepHistory %v: want at least 24h", c.KeepHistory))
	}
	if !slices.Contains([]string{"", "debug", "info", "warn", "error"}, c.Log.Level) {
		errs = append(errs, fmt.Errorf("log level %q: want debug, info, warn or error", c.Log.Level))
	}
	if !slices.Contains([]string{"", "text", "json"}, c.Log.Format) {
		errs = append(errs, fmt.Errorf("log format %q: want text or json", c.Log.Format))
	}
	return errors.Join(errs...)
}

// DefaultData is where `rampart up` keeps its data: /var/lib/rampart for root,
// else rampart in the user's data folder.
func DefaultData() string {
	if os.Geteuid() == 0 {
		return "/var/lib/rampart"
	}
	if dir := os.Getenv("XDG_DATA_HOME"); dir != "" {
		return filepath.Join(dir, "rampart")
	}
	if home, err := os.UserHomeDir(); err == nil {
		return filepath.Join(home, ".local", "share", "rampart")
	}
	return filepath.Join(os.TempDir(), "rampart")
}

// storeURL is the URL that the store opens.
func (c *Config) storeURL() string {
	if c.Store == "" || c.Store == "sqlite" {
		return "sqlite:" + filepath.Join(c.Data, "rampart.db")
	}
	return c.Store
}
