package web

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/threat/alert"
)

// TestAlertPages: hostile text of events stays text, forms change the alert.
func TestAlertPages(t *testing.T) {
	s := newStage(t, 40)
	db, now, book := s.db, time.Now, s.opt.Alerts
	const hostile = `<script>alert(1)</script>`
	var id string
	err := db.Update(t.Context(), func(tx *store.Tx) error {
		changed, err := book.Raise(t.Context(), tx, []alert.Finding{{Rule: alert.Rule{ID: "r", Title: "r", Level: "high", Tags: []string{"attack.execution"}}, Type: "T",
			Title: "Odd program", Description: hostile, Completing: "e", First: now(), Last: now(), Group: []alert.Value{{Field: "user", Value: hostile}},
			Entities: []alert.Entity{{Kind: "process", Name: hostile, Fields: map[string]string{"commandLine": hostile}}},
			Evidence: []alert.Evidence{{Event: "e", Time: now(), Raw: hostile + strings.Repeat("x", 300), Fields: map[string]string{"Image": hostile}}}}})
		if err == nil {
			id = changed[0].ID
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/alerts", "/alerts?status=All&severity=High", "/alert?id=" + id} {
		page := s.get(path)
		if strings.Contains(page, hostile) || !strings.Contains(page, "Odd program") {
			t.Errorf("%s: markup of an event is markup of the page, or the alert is missing", path)
		}
	}
	s.post("/alert", url.Values{"id": {id}, "status": {"InProgress"}})
	s.post("/alert", url.Values{"id": {id}, "assignee": {"grace"}})
	s.post("/alert", url.Values{"id": {id}, "comment": {"looks real"}})
	a, err := book.Get(t.Context(), "", id)
	if err != nil || a.Status != alert.InProgress || a.Assignee != "grace" || len(a.Comments) != 1 {
		t.Errorf("%+v, %v", a, err)
	}
	if page := s.get("/alerts?status=Resolved"); strings.Contains(page, "Odd program") {
		t.Error("an open alert is listed among resolved ones")
	}
}
