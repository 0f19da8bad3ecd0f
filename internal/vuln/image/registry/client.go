package registry

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/rampart-sec/rampart/internal/vuln/image/source"
)

// Options say how a registry is reached.
type Options struct {
	Registry string // HOST or HOST:PORT
	Insecure bool   // plain HTTP
	CA       []byte // PEM of a private authority, trusted for this registry beside those of the system
	Auth     Auth
	// Keychain is asked for credentials if Auth names none; nil is nobody.
	Keychain authn.Keychain
	// AllowHosts are hosts, HOST or HOST:PORT, that the registry may send us to
	// although their addresses are internal: its token service, its storage.
	AllowHosts []string
	// Rate is how many requests a second are made; 0 is 20.
	Rate float64
	// Stall is how long an answer may bring nothing; 0 is 30 s.
	Stall time.Duration
	Now   func() time.Time // nil is time.Now
}

// Client is a connection to one registry, safe for concurrent use.
type Client struct {
	registry name.Registry
	options  []remote.Option
	secure   bool
}

// New checks the options. It makes no request.
func New(o Options) (*Client, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	var nameOptions []name.Option
	if o.Insecure {
		nameOptions = append(nameOptions, name.Insecure)
	}
	reg, err := name.NewRegistry(o.Registry, nameOptions...)
	if err != nil || o.Registry == "" || strings.ContainsAny(o.Registry, "/@") {
		return nil, fmt.Errorf("registry %.100q: want HOST or HOST:PORT", o.Registry)
	}
	roots, err := roots(o.CA)
	if err != nil {
		return nil, err
	}
	g := newGuard(o, reg, &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12})
	auth, err := o.Auth.authenticator(reg, g)
	if err != nil {
		return nil, err
	}
	c := &Client{registry: reg, secure: !o.Insecure, options: []remote.Option{remote.WithTransport(g), remote.WithUserAgent("rampart"), remote.WithJobs(1)}}
	if auth == nil && o.Keychain != nil {
		c.options = append(c.options, remote.WithAuthFromKeychain(o.Keychain))
	} else if auth != nil {
		c.options = append(c.options, remote.WithAuth(auth))
	}
	return c, nil
}

func roots(ca []byte) (*x509.CertPool, error) {
	if len(ca) == 0 {
		return nil, nil
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(ca) {
		return nil, errors.New("the authority of the registry is no certificate in PEM form")
	}
	return pool, nil
}

func (c *Client) with(ctx context.Context) []remote.Option {
	return append(c.options[:len(c.options):len(c.options)], remote.WithContext(ctx))
}

func (c *Client) repository(repo string) (name.Repository, error) {
	r, err := name.NewRepository(c.registry.Name() + "/" + repo)
	if err != nil {
		return r, fmt.Errorf("repository %.100q: %w", repo, err)
	}
	r.Registry = c.registry
	return r, nil
}

// Limits of lists.
const (
	maxRepositories = 100_000
	maxTags         = 100_000
)

// Repositories lists the registry's catalog. Some registries have none, or show
// it to administrators only: the error then says so.
func (c *Client) Repositories(ctx context.Context) ([]string, error) {
	var all []string
	err := c.pages(ctx, func(p *remote.Puller) error {
		it, err := p.Catalogger(ctx, c.registry)
		if err != nil {
			return err
		}
		for it.HasNext() && len(all) < maxRepositories {
			page, err := it.Next(ctx)
			if err != nil {
				return err
			}
			all = append(all, page.Repos...)
		}
		return nil
	})
	return all, err
}

// Tags lists the tags of a repository, in the registry's order.
func (c *Client) Tags(ctx context.Context, repo string) ([]string, error) {
	r, err := c.repository(repo)
	if err != nil {
		return nil, err
	}
	var all []string
	err = c.pages(ctx, func(p *remote.Puller) error {
		it, err := p.Lister(ctx, r)
		if err != nil {
			return err
		}
		for it.HasNext() && len(all) < maxTags {
			page, err := it.Next(ctx)
			if err != nil {
				return err
			}
			all = append(all, page.Tags...)
		}
		return nil
	})
	return all, err
}

func (c *Client) pages(ctx context.Context, walk func(*remote.Puller) error) error {
	p, err := remote.NewPuller(c.with(ctx)...)
	if err != nil {
		return err
	}
	return explain(walk(p))
}

// Found is an image that a reference names: of an index one for each platform.
type Found struct {
	Digest   string
	Platform string // "" where the manifest alone does not say it
	Size     int64  // of all layers, as packed; 0 in an index
}

// ErrArtifact says that a reference names no image: a chart, a signature, an
// SBOM.
var ErrArtifact = errors.New("an artifact, not an image")

// maxPlatforms bounds the images of one index.
const maxPlatforms = 200

// Resolve gives the images behind a tag or a digest of a repository.
// Attestations are left out.
func (c *Client) Resolve(ctx context.Context, repo, tagOrDigest string) ([]Found, error) {
	r, err := c.repository(repo)
	if err != nil {
		return nil, err
	}
	d, err := remote.Get(reference(r, tagOrDigest), c.with(ctx)...)
	if err != nil {
		return nil, explain(err)
	}
	var all []Found
	err = c.each(ctx, r, d, 0, func(f Found) error {
		if all = append(all, f); len(all) > maxPlatforms {
			return fmt.Errorf("its index names more than %d images", maxPlatforms)
		}
		return nil
	})
	if err == nil && len(all) == 0 {
		err = ErrArtifact
	}
	return all, err
}

func reference(r name.Repository, tagOrDigest string) name.Reference {
	if strings.HasPrefix(tagOrDigest, "sha256:") {
		return r.Digest(tagOrDigest)
	}
	return r.Tag(tagOrDigest)
}

// each calls fn with the images of a manifest or of an index, however nested.
func (c *Client) each(ctx context.Context, r name.Repository, d *remote.Descriptor, depth int, fn func(Found) error) error {
	switch {
	case depth > 4:
		return errors.New("indexes nest too deep")
	case d.MediaType.IsImage():
		return c.image(d, fn)
	case !d.MediaType.IsIndex():
		return nil
	}
	index, err := d.ImageIndex()
	if err != nil {
		return err
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		return err
	}
	for _, child := range manifest.Manifests {
		switch {
		case source.IsAttestation(child):
		case child.MediaType.IsImage():
			f := Found{Digest: child.Digest.String()}
			if p := child.Platform; p != nil {
				f.Platform = source.Platform(p.OS, p.Architecture, p.Variant)
			}
			if err := fn(f); err != nil {
				return err
			}
		case child.MediaType.IsIndex():
			inner, err := remote.Get(r.Digest(child.Digest.String()), c.with(ctx)...)
			if err != nil {
				return explain(err)
			}
			if err := c.each(ctx, r, inner, depth+1, fn); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *Client) image(d *remote.Descriptor, fn func(Found) error) error {
	m, err := d.Image()
	if err != nil {
		return err
	}
	manifest, err := m.Manifest()
	if err != nil {
		return err
	}
	if !source.IsImage(manifest) {
		return nil
	}
	f := Found{Digest: d.Digest.String()}
	for _, l := range manifest.Layers {
		f.Size += l.Size
	}
	return fn(f)
}

// Open opens an image by its digest. Layers are fetched when they are read.
func (c *Client) Open(ctx context.Context, repo, digest string) (*source.Image, error) {
	r, err := c.repository(repo)
	if err != nil {
		return nil, err
	}
	img, err := remote.Image(r.Digest(digest), c.with(ctx)...)
	if err != nil {
		return nil, explain(err)
	}
	manifest, err := img.Manifest()
	if err != nil {
		return nil, err
	}
	if !source.IsImage(manifest) {
		return nil, ErrArtifact
	}
	m := &source.Image{Digest: digest, ID: manifest.Config.Digest.String(), Names: []string{r.Name()}}
	err = m.Take(manifest, func(ctx context.Context, l v1.Descriptor) (io.ReadCloser, error) {
		layer, err := remote.Layer(r.Digest(l.Digest.String()), c.with(ctx)...)
		if err != nil {
			return nil, explain(err)
		}
		body, err := layer.Compressed()
		return body, explain(err)
	})
	if err != nil {
		return nil, err
	}
	config, err := img.ConfigFile()
	if err != nil {
		return nil, explain(err)
	}
	return m, m.Describe(config)
}

// Gone says whether an error means that what was asked for is not there.
func Gone(err error) bool {
	var t *transport.Error
	return errors.As(err, &t) && t.StatusCode == http.StatusNotFound
}

// explain makes the registry's own errors short: the library repeats addresses
// and whole answers.
func explain(err error) error {
	var t *transport.Error
	if !errors.As(err, &t) {
		return err
	}
	return &answer{t}
}

// answer is what a registry said.
type answer struct{ of *transport.Error }

func (a *answer) Unwrap() error { return a.of }

func (a *answer) Error() string {
	said := http.StatusText(a.of.StatusCode)
	for _, d := range a.of.Errors {
		if d.Message != "" {
			said += ": " + clip(d.Message)
			break
		}
	}
	switch a.of.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden:
		return fmt.Sprintf("the registry refuses (%d %s): check the credentials and their rights", a.of.StatusCode, said)
	case http.StatusTooManyRequests:
		return "the registry limits requests; try again later"
	}
	return fmt.Sprintf("the registry answers %d %s", a.of.StatusCode, said)
}

func clip(s string) string {
	s = strings.ToValidUTF8(s, "?")
	return s[:min(len(s), 200)]
}
