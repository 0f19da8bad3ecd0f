package scanner

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/rampart-sec/rampart/internal/vuln/image/registry"
)

// NotificationPrefix and NotificationSuffix are around a connector's name in the
// path that its registry notifies.
const (
	NotificationPrefix = "/registries/"
	NotificationSuffix = "/notifications"
)

// ServeHTTP takes notifications at /registries/NAME/notifications. It answers
// 202 when everything in them is in the queue, so that a registry that is told
// otherwise sends again.
func (s *Scanner) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, NotificationPrefix), NotificationSuffix)
	status, reason := s.notified(r, name)
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	io.WriteString(w, reason+"\n") //nolint:errcheck // the answer is the status
}

func (s *Scanner) notified(r *http.Request, name string) (status int, reason string) {
	c := s.connectors[name]
	switch {
	case r.Method != http.MethodPost:
		return http.StatusMethodNotAllowed, "want POST"
	case !strings.HasSuffix(r.URL.Path, NotificationSuffix):
		return http.StatusNotFound, "no such page"
	}
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, registry.MaxNotification))
	if err != nil {
		return http.StatusRequestEntityTooLarge, "the notification is too large"
	}
	// Whether a registry is connected is told to those who know its secret.
	if c == nil || !registry.Authentic(r.Header, body, c.Secret) {
		return http.StatusUnauthorized, "the notification does not know the secret of a connected registry"
	}
	events, err := registry.ParseEvents(body)
	if err != nil {
		return http.StatusBadRequest, err.Error()
	}
	ctx, cancel := context.WithTimeout(r.Context(), time.Minute)
	defer cancel()
	for _, e := range events {
		if err := s.event(ctx, c, e); err != nil {
			s.o.Log.Warn("a notification could not be taken in", "registry", name, "repository", e.Repository, "reason", err)
			return http.StatusServiceUnavailable, "try again later"
		}
	}
	return http.StatusAccepted, "taken"
}

// event takes in one push or deletion. What was pushed is asked for at the
// registry that was configured, by the name that it was pushed under.
func (s *Scanner) event(ctx context.Context, c *connected, e registry.Event) error {
	if e.Deleted {
		if e.Digest == "" {
			return nil // a tag alone: the listing finds out what it was
		}
		return s.unname(ctx, c, e.Digest, e.Repository)
	}
	name, reference := e.Repository, e.Digest
	if e.Tag != "" {
		name += ":" + e.Tag
	}
	if reference == "" {
		reference = e.Tag
	}
	found, err := c.client.Resolve(ctx, e.Repository, reference)
	if errors.Is(err, registry.ErrArtifact) || registry.Gone(err) {
		return nil
	}
	if err != nil {
		return err
	}
	return s.take(ctx, c, name, found)
}
