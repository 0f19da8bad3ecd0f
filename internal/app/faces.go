package app

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/rampart-sec/rampart/internal/base/access/certs"
)

// both serves pages and API on one listener: everything that is not the API's
// is a page.
func both(armAPI, pages http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if isAPI(r) {
			armAPI.ServeHTTP(w, r)
			return
		}
		pages.ServeHTTP(w, r)
	})
}

// isAPI tells ARM calls from page loads: a browser names text/html and never
// sends a bearer token or an api-version.
func isAPI(r *http.Request) bool {
	if r.Header.Get("Authorization") != "" || r.URL.Query().Has("api-version") {
		return true
	}
	path := strings.ToLower(r.URL.Path)
	for _, prefix := range []string{"/subscriptions", "/providers", "/adfs", "/metadata", "/tenants", "/rampart/v1"} {
		if strings.HasPrefix(path, prefix) {
			return true
		}
	}
	return strings.Contains(path, "/oauth2/") || strings.Contains(path, "/.well-known/")
}

// withMetrics serves the process's figures at /metrics, on the loopback listener
// alone, for a local Prometheus.
func withMetrics(pages http.Handler, metrics *prometheus.Registry) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", pages)
	mux.Handle("GET /metrics", promhttp.HandlerFor(metrics, promhttp.HandlerOpts{}))
	return mux
}

// loopbackHost refuses requests whose Host is not a loopback name, so that a
// web site which rebinds its name to 127.0.0.1 can't read the dashboard.
func loopbackHost(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if h, _, err := net.SplitHostPort(r.Host); err == nil {
			host = h
		}
		if ip := net.ParseIP(strings.Trim(host, "[]")); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			http.Error(w, "The dashboard is served on this machine's loopback address only.", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// certificateHosts are names beside localhost and the host's own that the
// server's certificate must carry.
func (c *Config) certificateHosts() []string {
	var hosts []string
	if c.Advertise != "" {
		hosts = append(hosts, c.Advertise)
	}
	if host, _, err := net.SplitHostPort(c.Listen); err == nil && host != "" {
		if ip := net.ParseIP(host); ip == nil || !ip.IsUnspecified() {
			hosts = append(hosts, host)
		}
	}
	return hosts
}

// certificate is the configured one, or the one of the server's own authority.
func (c *Config) certificate(own *certs.Identity) (tls.Certificate, error) {
	if c.TLS.Certificate == "" {
		return own.Certificate, nil
	}
	pair, err := tls.LoadX509KeyPair(c.TLS.Certificate, c.TLS.Key)
	if err != nil {
		return pair, fmt.Errorf("tls: %w", err)
	}
	return pair, nil
}
