package access

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
)

// DeviceInterval is how long a client waits between two polls.
const DeviceInterval = 5 * time.Second

// userCodeLetters leave out what people mistake for one another and vowels, so
// that no code spells a word. Eight of 20 letters are 34 bits: with 50 failures
// per address and window a guess within the lifetime is out of reach.
const userCodeLetters = "BCDFGHJKLMNPQRSTVWXZ"

// Device is a device-code sign-in that was begun: the client polls with Code,
// the person types UserCode into the dashboard.
type Device struct {
	Code     string
	UserCode string // "BCDF-GHJK"
}

// StartDevice begins a device-code sign-in, good for 15 minutes.
func (a *Access) StartDevice(ctx context.Context) (*Device, error) {
	userCode, err := newUserCode(a.rand)
	if err != nil {
		return nil, err
	}
	d := &Device{UserCode: userCode}
	err = a.store.Update(ctx, func(tx *store.Tx) error {
		d.Code, err = a.mint(ctx, tx, credentialDevice, "", DeviceLifetime)
		if err != nil {
			return err
		}
		return tx.PutCredential(ctx, store.Credential{Kind: credentialUserCode, Hash: digest(foldUserCode(userCode)), Data: digest(d.Code),
			CreatedAt: a.now(), ExpiresAt: a.now().Add(DeviceLifetime)})
	})
	if err != nil {
		return nil, fmt.Errorf("start device sign-in: %w", err)
	}
	return d, nil
}

// ApproveDevice lets the device that shows a user code sign in as the user whom
// a one-time sign-in link is for. Both are used up, unless one was wrong: then
// both stay, and the error is an *arm.Error with status 404.
func (a *Access) ApproveDevice(ctx context.Context, link, userCode string) error {
	return a.store.Update(ctx, func(tx *store.Tx) error {
		c, err := tx.TakeCredential(ctx, credentialLink, digest(link))
		if err != nil {
			return err
		}
		if !c.ExpiresAt.After(a.now()) {
			return arm.NotFound("sign-in link")
		}
		return a.approve(ctx, tx, c.Principal, userCode)
	})
}

func (a *Access) approve(ctx context.Context, tx *store.Tx, principal, userCode string) error {
	c, err := tx.TakeCredential(ctx, credentialUserCode, digest(foldUserCode(userCode)))
	if err != nil {
		return err
	}
	device, err := tx.Credential(ctx, credentialDevice, c.Data)
	if err != nil {
		return err
	}
	if !device.ExpiresAt.After(a.now()) {
		return arm.NotFound("device sign-in")
	}
	device.Principal = principal
	return tx.PutCredential(ctx, *device)
}

// exchangeDevice answers a poll: pending until a person approved it, then
// tokens, once.
func (a *Access) exchangeDevice(ctx context.Context, code string) (*Issued, error) {
	var c *store.Credential
	err := a.store.View(ctx, func(tx *store.Tx) error {
		var err error
		c, err = tx.Credential(ctx, credentialDevice, digest(code))
		return err
	})
	switch {
	case arm.IsNotFound(err):
		return nil, oauthError("invalid_grant", "The device code is not known here or was used before.")
	case err != nil:
		return nil, fmt.Errorf("find device sign-in: %w", err)
	case !c.ExpiresAt.After(a.now()):
		return nil, oauthError("expired_token", "The device code has expired; start again.")
	case c.Principal == "":
		return nil, oauthError("authorization_pending", "Nobody has approved this sign-in yet.")
	}
	return a.exchange(ctx, credentialDevice, code)
}

// newUserCode draws letters without bias: 240 of 256 byte values are used.
func newUserCode(random io.Reader) (string, error) {
	code := make([]byte, 0, 9)
	var b [1]byte
	for len(code) < cap(code) {
		if len(code) == 4 {
			code = append(code, '-')
		}
		if _, err := io.ReadFull(random, b[:]); err != nil {
			return "", fmt.Errorf("draw a user code: %w", err)
		}
		if n := len(userCodeLetters); int(b[0]) < 256/n*n {
			code = append(code, userCodeLetters[int(b[0])%n])
		}
	}
	return string(code), nil
}

// foldUserCode forgives case, blanks and dashes.
func foldUserCode(code string) string {
	return strings.NewReplacer("-", "", " ", "").Replace(strings.ToUpper(code))
}
