// Package bundle carries advisories over an air gap: one signed file whose payload
// is a database, with a header that says what it goes on top of.
//
// A bundle is foreign until its signature is verified; nothing else of it is read
// before. The package must never import the database: the payload is bytes here.
package bundle

import (
	"bufio"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/klauspost/compress/zstd"
)

// A bundle is magic, length of the header (uint32, big endian), header (JSON),
// ed25519 signature of all of that, payload (zstd). The header has the payload's
// SHA-256, so the signature holds for it too.
const (
	magic      = "RAMPBND1"
	maxHeader  = 256 << 20
	maxPayload = 16 << 30
	maxWindow  = 64 << 20 // memory of the decompressor
)

// Errors of Open.
var (
	ErrFormat    = errors.New("this is no advisory bundle")
	ErrSignature = errors.New("the bundle is not signed by a key that is trusted here")
)

// Header says what a bundle is.
type Header struct {
	Created time.Time `json:"created"`
	Base    string    `json:"base,omitempty"` // the state that it goes on top of; "" if it is whole
	State   string    `json:"state"`          // the state after it
	Removed []Removed `json:"removed,omitempty"`

	Meta   json.RawMessage `json:"meta"` // of the database after it
	SHA256 string          `json:"sha256"`
	Size   int64           `json:"size"` // of the payload, unpacked
}

// Removed names an advisory that is gone, or that the payload has anew.
type Removed struct {
	Feed string `json:"feed"`
	ID   string `json:"id"`
}

// Write signs a bundle and writes it to path in one step. The payload is read
// twice.
func Write(path string, h Header, payload io.ReadSeeker, key ed25519.PrivateKey) error {
	packed, err := os.CreateTemp(filepath.Dir(path), ".bundle-*")
	if err != nil {
		return err
	}
	defer os.Remove(packed.Name())
	defer packed.Close()
	if h.SHA256, h.Size, err = pack(packed, payload); err != nil {
		return err
	}
	text, err := json.Marshal(h)
	if err != nil {
		return err
	}
	if len(text) > maxHeader {
		return fmt.Errorf("the header of the bundle has %d bytes: make a whole one", len(text))
	}
	head := binary.BigEndian.AppendUint32([]byte(magic), uint32(len(text)))
	head = append(head, text...)
	head = append(head, ed25519.Sign(key, head)...)
	return writeWhole(path, head, packed)
}

// pack compresses and gives checksum of what was written and size of what was read.
func pack(w io.Writer, r io.Reader) (sum string, size int64, err error) {
	hash := sha256.New()
	z, err := zstd.NewWriter(io.MultiWriter(w, hash), zstd.WithEncoderLevel(zstd.SpeedBetterCompression), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(8<<20))
	if err != nil {
		return "", 0, err
	}
	if size, err = io.Copy(z, r); err != nil {
		return "", 0, err
	}
	if err := z.Close(); err != nil {
		return "", 0, err
	}
	return hex.EncodeToString(hash.Sum(nil)), size, nil
}

func writeWhole(path string, head []byte, packed *os.File) error {
	if _, err := packed.Seek(0, io.SeekStart); err != nil {
		return err
	}
	out, err := os.CreateTemp(filepath.Dir(path), ".bundle-*")
	if err != nil {
		return err
	}
	defer os.Remove(out.Name())
	_, err = out.Write(head)
	if err == nil {
		_, err = io.Copy(out, packed)
	}
	if err == nil {
		err = out.Sync()
	}
	if err == nil {
		err = out.Chmod(0o644)
	}
	if cerr := out.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return os.Rename(out.Name(), path)
}

// Is reports whether a file begins as a bundle does.
func Is(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	head := make([]byte, len(magic))
	_, err = io.ReadFull(f, head)
	return err == nil && string(head) == magic
}

// Reader is a bundle whose signature is verified.
type Reader struct {
	Header Header
	file   *os.File
	body   *bufio.Reader
}

// Open reads the header of a bundle and verifies that one of the keys has signed
// it. The error is of the kind ErrFormat or ErrSignature, or one of the file system.
func Open(path string, trusted []ed25519.PublicKey) (*Reader, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	r := &Reader{file: f, body: bufio.NewReaderSize(f, 1<<16)}
	if err := r.readHeader(trusted); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return r, nil
}

// Close closes the file.
func (r *Reader) Close() error { return r.file.Close() }

func (r *Reader) readHeader(trusted []ed25519.PublicKey) error {
	start := make([]byte, len(magic)+4)
	if _, err := io.ReadFull(r.body, start); err != nil || string(start[:len(magic)]) != magic {
		return ErrFormat
	}
	n := int64(binary.BigEndian.Uint32(start[len(magic):]))
	info, err := r.file.Stat()
	if err != nil {
		return err
	}
	if n > maxHeader || n > info.Size() {
		return fmt.Errorf("%w: its header has %d bytes", ErrFormat, n)
	}
	head := make([]byte, len(start)+int(n)+ed25519.SignatureSize)
	copy(head, start)
	if _, err := io.ReadFull(r.body, head[len(start):]); err != nil {
		return fmt.Errorf("%w: it is cut short", ErrFormat)
	}
	signed, signature := head[:len(head)-ed25519.SignatureSize], head[len(head)-ed25519.SignatureSize:]
	if !signedByAny(trusted, signed, signature) {
		return ErrSignature
	}
	if err := json.Unmarshal(signed[len(start):], &r.Header); err != nil {
		return fmt.Errorf("%w: %v", ErrFormat, err)
	}
	if r.Header.Size < 0 || r.Header.Size > maxPayload {
		return fmt.Errorf("%w: its payload has %d bytes", ErrFormat, r.Header.Size)
	}
	return nil
}

func signedByAny(trusted []ed25519.PublicKey, signed, signature []byte) bool {
	for _, k := range trusted {
		if len(k) == ed25519.PublicKeySize && ed25519.Verify(k, signed, signature) {
			return true
		}
	}
	return false
}

// Payload unpacks the payload. Only if it is what was signed there is no error:
// what was written before is worth nothing then.
func (r *Reader) Payload(w io.Writer) error {
	hash := sha256.New()
	z, err := zstd.NewReader(io.TeeReader(r.body, hash), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
	if err != nil {
		return err
	}
	defer z.Close()
	n, err := io.Copy(w, io.LimitReader(z, r.Header.Size+1))
	if err != nil {
		return fmt.Errorf("unpack the bundle: %w", err)
	}
	if _, err := io.Copy(hash, r.body); err != nil { // what the decompressor did not ask for
		return err
	}
	if n != r.Header.Size || hex.EncodeToString(hash.Sum(nil)) != r.Header.SHA256 {
		return fmt.Errorf("%w: its payload is not the one that was signed", ErrSignature)
	}
	return nil
}
