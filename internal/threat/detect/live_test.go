package detect_test

import (
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/threat/alert"
	"github.com/rampart-sec/rampart/internal/threat/detect"
	"github.com/rampart-sec/rampart/internal/threat/sigma"
)

const threeFailures = `
title: Failed
name: failed
logsource: {product: linux, service: sshd}
detection: {a: {outcome: failure}, condition: a}
---
title: Three failures
name: three
level: high
correlation: {type: event_count, rules: [failed], group-by: [src_ip], timespan: 5m, condition: {gte: 3}}
`

func newLive(t *testing.T) (*detect.Live, *alert.Book) {
	t.Helper()
	db, err := store.Open(t.Context(), store.Options{URL: "sqlite:" + filepath.Join(t.TempDir(), "rampart.db"), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	book := alert.NewBook(db, time.Now, func(string, string) alert.Context { return alert.Context{} })
	return detect.NewLive(detect.NewForAlerts(sigma.Read("rules.yml", []byte(threeFailures))), book, db, time.Now), book
}

// failure is a sign-in that failed at a time of day.
func failure(at string) string {
	return "2026-03-01T" + at + "Z h sshd[9]: Failed password for eve from 203.0.113.5 port 4000 ssh2\n"
}

func take(t *testing.T, l *detect.Live, text string) detect.Result {
	t.Helper()
	res, err := l.Take(t.Context(), detect.Batch{Source: "syslog", From: "h"}, strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// TestBatchAgain: what is sent twice counts once; lines that are equal to the
// letter are events of their own.
func TestBatchAgain(t *testing.T) {
	l, book := newLive(t)
	two := failure("10:00:01") + failure("10:00:02")
	for range 3 {
		if res := take(t, l, two); res.Events != 2 || res.Alerts != 0 {
			t.Fatalf("two failures, sent again: %+v", res)
		}
	}
	equal := strings.Repeat(failure("11:00:00"), 3)
	for range 2 {
		if res := take(t, l, equal); res.Alerts != 1 {
			t.Fatalf("three equal lines: %+v", res)
		}
	}
	found, err := book.List(t.Context(), store.AlertQuery{})
	if err != nil || len(found) != 1 || found[0].Status != alert.Active {
		t.Fatalf("%d alerts, %v; one wanted", len(found), err)
	}
}

// TestSlowSenderKeepsNobodyWaiting: a batch that does not end does not hold the
// tenant's others up.
func TestSlowSenderKeepsNobodyWaiting(t *testing.T) {
	l, _ := newLive(t)
	r, w := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		_, err := l.Take(t.Context(), detect.Batch{Source: "syslog"}, r)
		ended <- err
	}()
	if _, err := io.WriteString(w, failure("10:00:01")); err != nil { // it has begun
		t.Fatal(err)
	}
	if res := take(t, l, failure("10:00:02")); res.Events != 1 {
		t.Errorf("%+v", res)
	}
	_ = w.Close()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
