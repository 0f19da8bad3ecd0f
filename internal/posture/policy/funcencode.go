package policy

import (
	"crypto/sha1" //nolint:gosec // name-based identifiers are defined over SHA-1
	"encoding/base64"
	"fmt"
	"hash/fnv"
	"net/url"
	"strings"
)

func fnJSON(c call) (Value, error) {
	s, err := c.text(0)
	if err != nil {
		return Value{}, err
	}
	v, err := parseJSON([]byte(s), false)
	if err != nil {
		return Value{}, fmt.Errorf("not JSON: %w", err)
	}
	return v, nil
}

func fnBase64(c call) (Value, error) {
	return c.mapText(func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) })
}

func fnBase64ToString(c call) (Value, error) {
	s, err := c.text(0)
	if err != nil {
		return Value{}, err
	}
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return Value{}, fmt.Errorf("not base64: %w", err)
	}
	return StringValue(string(b)), nil
}

func fnBase64ToJSON(c call) (Value, error) {
	s, err := fnBase64ToString(c)
	if err != nil {
		return Value{}, err
	}
	return fnJSON(call{args: []Value{s}})
}

const dataURIHead = "data:text/plain;charset=utf8;base64,"

func fnDataURI(c call) (Value, error) {
	return c.mapText(func(s string) string { return dataURIHead + base64.StdEncoding.EncodeToString([]byte(s)) })
}

func fnDataURIToString(c call) (Value, error) {
	s, err := c.text(0)
	if err != nil {
		return Value{}, err
	}
	head, body, ok := strings.Cut(s, ",")
	if !ok || !hasPrefixFold(head, "data:") {
		return Value{}, fmt.Errorf("%q is no data URI", clip(s))
	}
	if !strings.HasSuffix(folded(head), ";base64") {
		text, err := url.PathUnescape(body)
		return StringValue(text), err
	}
	b, err := base64.StdEncoding.DecodeString(body)
	return StringValue(string(b)), err
}

func fnURI(c call) (Value, error) {
	s, err := c.texts(2)
	if err != nil {
		return Value{}, err
	}
	base, err := url.Parse(s[0])
	if err != nil || !base.IsAbs() {
		return Value{}, fmt.Errorf("%q is no absolute address", clip(s[0]))
	}
	relative, err := url.Parse(s[1])
	if err != nil {
		return Value{}, fmt.Errorf("%q is no relative address", clip(s[1]))
	}
	return StringValue(base.ResolveReference(relative).String()), nil
}

func fnURIComponent(c call) (Value, error) {
	return c.mapText(func(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") })
}

func fnURIComponentToString(c call) (Value, error) {
	s, err := c.text(0)
	if err != nil {
		return Value{}, err
	}
	text, err := url.PathUnescape(s)
	return StringValue(text), err
}

// guidSpace is the namespace of the service's name-based identifiers,
// 11fb06fb-712d-4ddd-98c7-e71bbd588830.
var guidSpace = []byte{0x11, 0xfb, 0x06, 0xfb, 0x71, 0x2d, 0x4d, 0xdd, 0x98, 0xc7, 0xe7, 0x1b, 0xbd, 0x58, 0x88, 0x30}

// fnGUID is RFC 9562 version 5 over the arguments, joined by hyphens.
func fnGUID(c call) (Value, error) {
	parts, err := c.texts(len(c.args))
	if err != nil {
		return Value{}, err
	}
	sum := sha1.Sum(append(guidSpace[:16:16], strings.Join(parts, "-")...)) //nolint:gosec // see import
	id := sum[:16]
	id[6], id[8] = id[6]&0x0f|0x50, id[8]&0x3f|0x80
	return StringValue(fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])), nil
}

// fnUniqueString gives 13 characters of base 32 that depend on the arguments.
// The service's own hash is not published; rules use it for names of
// deployments only, where any stable text does.
func fnUniqueString(c call) (Value, error) {
	parts, err := c.texts(len(c.args))
	if err != nil {
		return Value{}, err
	}
	const alphabet = "abcdefghijklmnopqrstuvwxyz234567"
	h := fnv.New64a()
	h.Write([]byte(strings.Join(parts, "-"))) //nolint:errcheck // a hash never fails
	sum, out := h.Sum64(), make([]byte, 13)
	for i := range out {
		out[i] = alphabet[sum&31]
		sum >>= 5
	}
	return StringValue(string(out)), nil
}
