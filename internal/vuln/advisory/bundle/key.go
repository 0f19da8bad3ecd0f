package bundle

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

const maxKeyFile = 64 << 10

// LoadOrCreateKey reads an ed25519 private key (PKCS #8, PEM). If there is no
// such file it makes one, readable by its owner alone, with the public key beside
// it in path.pub; created is then set.
func LoadOrCreateKey(path string) (key ed25519.PrivateKey, created bool, err error) {
	text, err := readKeyFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		key, err = createKey(path)
		return key, err == nil, err
	}
	if err != nil {
		return nil, false, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, false, fmt.Errorf("%s holds no PEM", path)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, false, fmt.Errorf("%s: %w", path, err)
	}
	key, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		return nil, false, fmt.Errorf("%s is no ed25519 key", path)
	}
	return key, false, nil
}

func createKey(path string) (ed25519.PrivateKey, error) {
	public, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	out, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	err = pem.Encode(out, &pem.Block{Type: "PRIVATE KEY", Bytes: der})
	if cerr := out.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return nil, err
	}
	der, err = x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return nil, err
	}
	return key, os.WriteFile(path+".pub", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), 0o644)
}

// LoadTrusted reads ed25519 public keys (PKIX, PEM; several may follow one
// another in a file).
func LoadTrusted(paths ...string) (keys []ed25519.PublicKey, err error) {
	for _, path := range paths {
		text, err := readKeyFile(path)
		if err != nil {
			return nil, err
		}
		before := len(keys)
		for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
			parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", path, err)
			}
			k, ok := parsed.(ed25519.PublicKey)
			if !ok {
				return nil, fmt.Errorf("%s is no ed25519 key", path)
			}
			keys = append(keys, k)
		}
		if len(keys) == before {
			return nil, fmt.Errorf("%s holds no public key", path)
		}
	}
	return keys, nil
}

func readKeyFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxKeyFile {
		return nil, fmt.Errorf("%s has %d bytes: that is no key", path, info.Size())
	}
	return os.ReadFile(path)
}
