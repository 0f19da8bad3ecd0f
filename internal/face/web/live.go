package web

import (
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// Limits of event streams: how many at once, how often a client is told, how
// often an idle line is kept open, and how long before the client must come
// back, so that an ended session ends its stream too.
const (
	maxStreams     = 1000
	eventInterval  = 300 * time.Millisecond
	streamIdle     = 20 * time.Second
	streamLifetime = 10 * time.Minute
)

// events tells an open page that the estate has a new epoch; the page then
// fetches its parts again. A burst of epochs is one event.
func (s *Server) events(w http.ResponseWriter, r *http.Request) {
	v, err := s.newVisit(r)
	if err != nil {
		http.Error(w, "no events", http.StatusForbidden)
		return
	}
	select {
	case s.streams <- struct{}{}:
		defer func() { <-s.streams }()
	default:
		http.Error(w, "too many open pages", http.StatusServiceUnavailable)
		return
	}
	out := http.NewResponseController(w)
	_ = out.SetWriteDeadline(time.Time{}) // not every writer has a deadline to lift
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no")
	v.follow(w, out)
}

// follow writes one event per epoch until the reader leaves or the stream has
// lived long enough. An epoch that came between the page's and the stream's
// beginning is told at once.
func (v *visit) follow(w http.ResponseWriter, out *http.ResponseController) {
	epochs := v.estate.Subscribe(v.Context())
	idle := time.NewTicker(streamIdle)
	defer idle.Stop()
	end := time.NewTimer(streamLifetime)
	defer end.Stop()
	line := "retry: 2000\n\n"
	if seq := v.view.Seq(); seq > v.seenSeq() {
		line += epochEvent(seq)
	}
	for {
		if _, err := fmt.Fprint(w, line); err != nil {
			return
		}
		if err := out.Flush(); err != nil {
			return
		}
		if !v.pause(eventInterval) {
			return
		}
		select {
		case <-v.Context().Done():
			return
		case <-end.C:
			return
		case <-idle.C:
			line = ": idle\n\n"
		case e, open := <-epochs:
			if !open {
				return
			}
			line = epochEvent(e.Seq)
		}
	}
}

func epochEvent(seq uint64) string {
	return fmt.Sprintf("event: epoch\nid: %d\ndata: %d\n\n", seq, seq)
}

// seenSeq is the epoch that the reader already has: of its last event, else of
// its page.
func (v *visit) seenSeq() uint64 {
	text := v.Header.Get("Last-Event-ID")
	if text == "" {
		text = v.query.Get("seq")
	}
	seq, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0
	}
	return seq
}

// pause waits between events, so that the channel's latest-wins joins a burst;
// false means that the reader left.
func (v *visit) pause(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-v.Context().Done():
		return false
	case <-timer.C:
		return true
	}
}
