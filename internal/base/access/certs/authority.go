package certs

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"time"
)

// Files of the authority that signs agents' certificates.
const (
	agentCertFile = "agents.pem"
	agentKeyFile  = "agents.key"
)

// Authority signs the client certificates of agents. It is another one than the
// server's, so that neither kind of certificate can stand for the other. It is
// safe for concurrent use.
type Authority struct {
	ca  *pair
	now func() time.Time
}

// EnsureAuthority loads the agents' authority of a folder, or makes it.
func EnsureAuthority(o Options) (*Authority, error) {
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("tls folder: %w", err)
	}
	ca, err := load(o.Dir, agentCertFile, agentKeyFile)
	if errors.Is(err, os.ErrNotExist) {
		ca, err = createAuthority(o)
	}
	if err != nil {
		return nil, fmt.Errorf("agents' certificate authority: %w", err)
	}
	if o.Now().After(ca.cert.NotAfter) {
		return nil, fmt.Errorf("agents' certificate authority: %s ran out on %s", filepath.Join(o.Dir, agentCertFile), ca.cert.NotAfter.Format(time.DateOnly))
	}
	return &Authority{ca, o.Now}, nil
}

func createAuthority(o Options) (*pair, error) {
	p, err := issue(o, &x509.Certificate{
		Subject: pkix.Name{CommonName: "Rampart agents"}, NotAfter: o.Now().Add(caLifetime), IsCA: true, BasicConstraintsValid: true,
		MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}, nil)
	if err != nil {
		return nil, err
	}
	return p, p.save(o.Dir, agentCertFile, agentKeyFile)
}

// Pool has the authority alone, for verifying client certificates.
func (a *Authority) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.ca.cert)
	return pool
}

// maxCSR bounds a request; a P-256 one has about 500 bytes.
const maxCSR = 16 << 10

// Sign makes a client certificate of a certificate request, in PEM. Only its key
// is taken, which must be ECDSA P-256; the subject's common name becomes name.
func (a *Authority) Sign(csrPEM, name string, lifetime time.Duration) (certPEM string, cert *x509.Certificate, err error) {
	if len(csrPEM) > maxCSR {
		return "", nil, errors.New("certificate request: it is too long")
	}
	block, _ := pem.Decode([]byte(csrPEM))
	if block == nil || block.Type != "CERTIFICATE REQUEST" {
		return "", nil, errors.New("certificate request: it is no PEM of one")
	}
	csr, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		return "", nil, fmt.Errorf("certificate request: %w", err)
	}
	if err := csr.CheckSignature(); err != nil {
		return "", nil, fmt.Errorf("certificate request: %w", err)
	}
	key, ok := csr.PublicKey.(*ecdsa.PublicKey)
	if !ok || key.Curve != elliptic.P256() {
		return "", nil, errors.New("certificate request: its key is no ECDSA P-256 key")
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return "", nil, fmt.Errorf("draw a serial number: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name}, NotBefore: a.now().Add(-clockSkew),
		NotAfter: earlier(a.now().Add(lifetime), a.ca.cert.NotAfter), BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.ca.cert, key, a.ca.key)
	if err != nil {
		return "", nil, fmt.Errorf("sign: %w", err)
	}
	cert, err = x509.ParseCertificate(der)
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), cert, err
}
