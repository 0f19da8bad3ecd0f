package registry

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"golang.org/x/net/http/httpproxy"
	"golang.org/x/time/rate"
)

// guard is the one way to a registry and to where it sends us.
type guard struct {
	host     string // of the registry
	insecure bool
	allowed  []string
	limiter  *rate.Limiter
	stall    time.Duration
	inner    http.RoundTripper
}

func newGuard(o Options, reg name.Registry, conf *tls.Config) *guard {
	if o.Rate <= 0 {
		o.Rate = 20
	}
	if o.Stall <= 0 {
		o.Stall = 30 * time.Second
	}
	g := &guard{host: reg.RegistryStr(), insecure: reg.Scheme() == "http", allowed: o.AllowHosts, limiter: rate.NewLimiter(rate.Limit(o.Rate), int(max(o.Rate, 1))), stall: o.Stall}
	proxies := httpproxy.FromEnvironment()
	for _, p := range []string{proxies.HTTPProxy, proxies.HTTPSProxy} {
		if u, err := url.Parse(p); err == nil && u.Host != "" {
			g.allowed = append(g.allowed, u.Host)
		}
	}
	proxy := proxies.ProxyFunc()
	g.inner = &http.Transport{
		Proxy:       func(r *http.Request) (*url.URL, error) { return proxy(r.URL) },
		DialContext: g.dial, TLSClientConfig: conf, ForceAttemptHTTP2: true,
		TLSHandshakeTimeout: 15 * time.Second, ResponseHeaderTimeout: o.Stall, MaxIdleConnsPerHost: 4, IdleConnTimeout: time.Minute,
	}
	return g
}

// errInternal says that a registry sends us where it must not.
var errInternal = errors.New("the registry sends to an internal address, which is not allowed (allowHosts)")

// named says whether the user named a host, which is HOST:PORT: as the registry
// or among those that it may send to.
func (g *guard) named(address string) bool {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	own, ownPort, err := net.SplitHostPort(g.host)
	if err != nil {
		own, ownPort = g.host, map[bool]string{true: "80", false: "443"}[g.insecure]
	}
	return strings.EqualFold(host, own) && port == ownPort ||
		slices.ContainsFunc(g.allowed, func(a string) bool { return strings.EqualFold(a, host) || strings.EqualFold(a, address) })
}

// dial connects to what was named, whatever its address, and to others only if
// their address is public. It looks at the address that is connected to, so no
// answer of a name server can change in between.
func (g *guard) dial(ctx context.Context, network, address string) (net.Conn, error) {
	d := net.Dialer{Timeout: 15 * time.Second}
	if !g.named(address) {
		d.Control = func(_, address string, _ syscall.RawConn) error {
			at, err := netip.ParseAddrPort(address)
			if err != nil || internal(at.Addr().Unmap()) {
				return errInternal
			}
			return nil
		}
	}
	return d.DialContext(ctx, network, address)
}

// shared are further ranges that are not public (RFC 6598, RFC 6890, RFC 2544,
// RFC 6052).
var shared = []netip.Prefix{netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("240.0.0.0/4"), netip.MustParsePrefix("64:ff9b::/96")}

func internal(a netip.Addr) bool {
	return !a.IsGlobalUnicast() || a.IsPrivate() || slices.ContainsFunc(shared, func(p netip.Prefix) bool { return p.Contains(a) })
}

// Bounds of answers.
const (
	maxDocument = 16 << 20 // manifests, lists, tokens
	maxWait     = time.Minute
	maxRetries  = 3
)

// RoundTrip makes a request within the rate, and waits if the registry asks for
// it.
func (g *guard) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != "https" && !g.insecure {
		return nil, errors.New("the registry sends from HTTPS to plain HTTP, which is not allowed")
	}
	for try := 0; ; try++ {
		if err := g.limiter.Wait(r.Context()); err != nil {
			return nil, err
		}
		resp, err := g.once(r)
		if err != nil || resp.StatusCode != http.StatusTooManyRequests || try == maxRetries || r.Body != nil && r.Body != http.NoBody {
			return resp, err
		}
		wait := retryAfter(resp.Header.Get("Retry-After"), try)
		resp.Body.Close() //nolint:errcheck // nothing of it is wanted
		select {
		case <-time.After(wait):
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
}

func retryAfter(header string, try int) time.Duration {
	if s, err := strconv.Atoi(header); err == nil && s >= 0 {
		return min(time.Duration(s)*time.Second, maxWait)
	}
	return time.Second << try
}

// once makes one request whose answer must keep coming.
func (g *guard) once(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(r.Context())
	resp, err := g.inner.RoundTrip(r.WithContext(ctx))
	if err != nil {
		cancel(nil)
		return nil, err
	}
	b := &body{ReadCloser: resp.Body, ctx: ctx, cancel: cancel, stall: g.stall, left: 1 << 62}
	if !strings.Contains(r.URL.Path, "/blobs/") && strings.EqualFold(r.URL.Host, g.host) {
		b.left = maxDocument
	}
	b.timer = time.AfterFunc(g.stall, b.stalled)
	resp.Body = b
	return resp, nil
}

// body is an answer that ends if nothing comes, or too much.
type body struct {
	io.ReadCloser
	ctx    context.Context
	cancel context.CancelCauseFunc
	timer  *time.Timer
	stall  time.Duration
	left   int64
}

func (b *body) stalled() {
	b.cancel(fmt.Errorf("the registry sent nothing for %s", b.stall))
}

func (b *body) Read(p []byte) (int, error) {
	b.timer.Reset(b.stall)
	n, err := b.ReadCloser.Read(p)
	b.timer.Stop()
	if b.left -= int64(n); b.left < 0 {
		err := fmt.Errorf("the registry's answer is larger than %d bytes", maxDocument)
		b.cancel(err) // whoever reads may forget to close
		return n, err
	}
	if err != nil && err != io.EOF && b.ctx.Err() != nil {
		err = context.Cause(b.ctx)
	}
	return n, err
}

func (b *body) Close() error {
	b.timer.Stop()
	err := b.ReadCloser.Close()
	b.cancel(nil)
	return err
}
