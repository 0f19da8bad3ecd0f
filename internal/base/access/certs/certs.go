// Package certs makes and keeps the server's TLS identity: a certificate
// authority of its own and a server certificate for the names by which this
// machine is reached, both ECDSA P-256, in one folder.
//
// It must never import another package of this module.
package certs

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Lifetimes. The server certificate stays below the 398 days that some clients
// insist on and is renewed by Ensure once less than renewBefore is left.
const (
	caLifetime     = 10 * 365 * 24 * time.Hour
	serverLifetime = 397 * 24 * time.Hour
	renewBefore    = 30 * 24 * time.Hour
	clockSkew      = time.Hour // clients whose clock runs behind accept it at once
)

// Files in the folder.
const (
	caCertFile     = "ca.pem"
	caKeyFile      = "ca.key"
	serverCertFile = "server.pem"
	serverKeyFile  = "server.key"
)

// Options of Ensure.
type Options struct {
	Dir   string   // created with mode 0700
	Hosts []string // names and addresses beside localhost, 127.0.0.1, ::1 and the host's own name
	Now   func() time.Time
}

// Identity is what a TLS listener and its clients need.
type Identity struct {
	CAFile      string // PEM file to hand to clients
	CAKeyFile   string // PEM file with the authority's key, mode 0600
	Certificate tls.Certificate
}

// Ensure loads the identity of a folder. What is missing is created; a server
// certificate that lacks one of the hosts or runs out within 30 days is made
// anew under the same authority. A file that exists and cannot be read as what
// it should be is an error: it is never overwritten.
func Ensure(o Options) (*Identity, error) {
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("tls folder: %w", err)
	}
	ca, err := load(o.Dir, caCertFile, caKeyFile)
	if errors.Is(err, os.ErrNotExist) {
		ca, err = createCA(o)
	}
	if err != nil {
		return nil, fmt.Errorf("certificate authority: %w", err)
	}
	if o.Now().After(ca.cert.NotAfter) {
		return nil, fmt.Errorf("certificate authority: %s ran out on %s; remove it and %s to have a new one made",
			filepath.Join(o.Dir, caCertFile), ca.cert.NotAfter.Format(time.DateOnly), caKeyFile)
	}
	hosts := allHosts(o.Hosts)
	server, err := load(o.Dir, serverCertFile, serverKeyFile)
	if errors.Is(err, os.ErrNotExist) || err == nil && !server.serves(hosts, ca.cert, o.Now()) {
		server, err = createServer(o, ca, hosts)
	}
	if err != nil {
		return nil, fmt.Errorf("server certificate: %w", err)
	}
	return &Identity{
		CAFile:      filepath.Join(o.Dir, caCertFile),
		CAKeyFile:   filepath.Join(o.Dir, caKeyFile),
		Certificate: tls.Certificate{Certificate: [][]byte{server.cert.Raw, ca.cert.Raw}, PrivateKey: server.key, Leaf: server.cert},
	}, nil
}

// pair is a certificate with its key.
type pair struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func (p *pair) serves(hosts []string, ca *x509.Certificate, now time.Time) bool {
	if now.Add(renewBefore).After(p.cert.NotAfter) || p.cert.CheckSignatureFrom(ca) != nil {
		return false
	}
	return !slices.ContainsFunc(hosts, func(host string) bool { return p.cert.VerifyHostname(host) != nil })
}

// allHosts adds the names that every machine answers to; order is stable and
// duplicates go.
func allHosts(extra []string) []string {
	hosts := []string{"localhost", "127.0.0.1", "::1"}
	if name, err := os.Hostname(); err == nil {
		extra = append([]string{name}, extra...)
	}
	for _, host := range extra {
		if host != "" && host != "0.0.0.0" && host != "::" && !slices.Contains(hosts, host) {
			hosts = append(hosts, host)
		}
	}
	return hosts
}

func createCA(o Options) (*pair, error) {
	template := &x509.Certificate{
		Subject:               pkix.Name{CommonName: "Rampart local authority"},
		NotAfter:              o.Now().Add(caLifetime),
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	p, err := issue(o, template, nil)
	if err != nil {
		return nil, err
	}
	return p, p.save(o.Dir, caCertFile, caKeyFile)
}

func createServer(o Options, ca *pair, hosts []string) (*pair, error) {
	template := &x509.Certificate{
		Subject:               pkix.Name{CommonName: "Rampart server"},
		NotAfter:              earlier(o.Now().Add(serverLifetime), ca.cert.NotAfter),
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, host := range hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	p, err := issue(o, template, ca)
	if err != nil {
		return nil, err
	}
	return p, p.save(o.Dir, serverCertFile, serverKeyFile)
}

// issue draws a key and signs the template with the authority, or with itself
// if there is none.
func issue(o Options, template *x509.Certificate, ca *pair) (*pair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("draw a key: %w", err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, fmt.Errorf("draw a serial number: %w", err)
	}
	template.SerialNumber, template.NotBefore = serial, o.Now().Add(-clockSkew)
	parent, signer := template, key
	if ca != nil {
		parent, signer = ca.cert, ca.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("read back: %w", err)
	}
	return &pair{cert: cert, key: key}, nil
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func (p *pair) save(dir, certFile, keyFile string) error {
	der, err := x509.MarshalPKCS8PrivateKey(p.key)
	if err != nil {
		return fmt.Errorf("encode the key: %w", err)
	}
	// The key goes first: a crash in between leaves a key that the next start
	// replaces, never a certificate without one.
	err = writeFile(filepath.Join(dir, keyFile), 0o600, &pem.Block{Type: "PRIVATE KEY", Bytes: der})
	if err != nil {
		return err
	}
	return writeFile(filepath.Join(dir, certFile), 0o644, &pem.Block{Type: "CERTIFICATE", Bytes: p.cert.Raw})
}

// writeFile replaces a file as a whole.
func writeFile(path string, mode os.FileMode, block *pem.Block) error {
	temp := path + ".new"
	if err := os.WriteFile(temp, pem.EncodeToMemory(block), mode); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	if err := os.Rename(temp, path); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}

// load reads a pair; os.ErrNotExist if there is no certificate. A certificate
// whose key is missing is an error that the caller must not repair: clients may
// trust that certificate.
func load(dir, certFile, keyFile string) (*pair, error) {
	certPath, keyPath := filepath.Join(dir, certFile), filepath.Join(dir, keyFile)
	certPEM, err := os.ReadFile(certPath)
	if err != nil {
		return nil, fmt.Errorf("read: %w", err)
	}
	keyPEM, err := os.ReadFile(keyPath)
	if err != nil {
		return nil, fmt.Errorf("read the key of %s: %s", certPath, err)
	}
	loaded, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		return nil, fmt.Errorf("read %s and %s: %w", certPath, keyPath, err)
	}
	key, ok := loaded.PrivateKey.(*ecdsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("read %s: not an ECDSA key", keyPath)
	}
	return &pair{cert: loaded.Leaf, key: key}, nil
}
