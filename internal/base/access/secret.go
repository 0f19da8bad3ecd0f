package access

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"fmt"
	"io"

	"golang.org/x/crypto/argon2"
)

// Hash formats of stored secrets; the first byte of a stored hash says which.
const (
	hashRandom   = 1 // SHA-256 of a secret that this package drew: 256 bits cannot be guessed
	hashPassword = 2 // 16 bytes of salt, then Argon2id of a secret that a person chose
)

// Argon2id parameters: 19 MiB and two passes, which keeps a check near 30 ms
// and a handful of parallel sign-ins within the idle memory budget.
const (
	argonTime   = 2
	argonMemory = 19 * 1024 // KiB
	argonSalt   = 16
	argonKey    = 32
)

const (
	minPassword = 12
	maxPassword = 256 // longer ones are refused before they cost a hash
)

// secretText writes secrets with lower-case letters and digits only: they are
// typed as arguments of commands, where a leading dash would be an option.
var secretText = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// newSecret draws 256 bits and returns them as text that is safe in addresses,
// cookies and command lines.
func newSecret(random io.Reader) (string, error) {
	var b [32]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return "", fmt.Errorf("draw a secret: %w", err)
	}
	return secretText.EncodeToString(b[:]), nil
}

// digest is the key under which a drawn secret is kept and found.
func digest(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}

func hashDrawn(secret string) []byte { return append([]byte{hashRandom}, digest(secret)...) }

func hashChosen(random io.Reader, password string) ([]byte, error) {
	salt := make([]byte, argonSalt)
	if _, err := io.ReadFull(random, salt); err != nil {
		return nil, fmt.Errorf("draw a salt: %w", err)
	}
	return append(append([]byte{hashPassword}, salt...), stretch(password, salt)...), nil
}

func stretch(password string, salt []byte) []byte {
	return argon2.IDKey([]byte(password), salt, argonTime, argonMemory, 1, argonKey)
}

// checkSecret compares in constant time. A nil or unknown hash never matches.
func checkSecret(hash []byte, secret string) bool {
	if len(hash) == 0 || len(secret) > maxPassword {
		return false
	}
	switch kind, rest := hash[0], hash[1:]; kind {
	case hashRandom:
		return subtle.ConstantTimeCompare(rest, digest(secret)) == 1
	case hashPassword:
		if len(rest) != argonSalt+argonKey {
			return false
		}
		return subtle.ConstantTimeCompare(rest[argonSalt:], stretch(secret, rest[:argonSalt])) == 1
	}
	return false
}
