package alert

import (
	"context"
	"strings"
	"unicode/utf8"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
)

// maxComment bounds what somebody writes, in bytes; an alert keeps the newest
// comments and status changes.
const (
	maxComment  = 4000
	maxComments = 200
)

// Get reads an alert or incident; arm.NotFound if there is none.
func (b *Book) Get(ctx context.Context, tenant, id string) (a *Alert, err error) {
	err = b.store.View(ctx, func(tx *store.Tx) error {
		row, err := tx.Alert(ctx, tenant, id)
		if err == nil {
			a, err = decode(row)
		}
		return err
	})
	return a, err
}

// List reads a page of alerts, the newest first.
func (b *Book) List(ctx context.Context, q store.AlertQuery) (alerts []*Alert, err error) {
	err = b.store.View(ctx, func(tx *store.Tx) error {
		rows, err := tx.Alerts(ctx, q)
		alerts = make([]*Alert, len(rows))
		for i := range rows {
			if alerts[i], err = decode(&rows[i]); err != nil {
				return err
			}
		}
		return err
	})
	return alerts, err
}

// Open counts the open alerts that a query selects, by severity.
func (b *Book) Open(ctx context.Context, q store.AlertQuery) (bySeverity map[Severity]int, err error) {
	bySeverity = map[Severity]int{}
	q.Statuses = []int{int(Active), int(InProgress)}
	err = b.store.View(ctx, func(tx *store.Tx) error {
		counts, err := tx.CountAlerts(ctx, q)
		for _, c := range counts {
			bySeverity[Severity(c.Severity)] += c.N
		}
		return err
	})
	return bySeverity, err
}

// SetStatus sets the status of an alert, and of all alerts of an incident. The
// status that it has already changes nothing.
func (b *Book) SetStatus(ctx context.Context, tenant, id, by string, status Status) (*Alert, error) {
	return b.change(ctx, tenant, id, "set to "+status.String(), by, func(a *Alert) error {
		if a.Status != status {
			a.Status = status
			a.Log = append(a.Log, StatusChange{At: b.now().UTC(), By: by, Status: status})
			a.Log = a.Log[max(0, len(a.Log)-maxComments):]
		}
		return nil
	})
}

// Comment adds what somebody writes to an alert or an incident.
func (b *Book) Comment(ctx context.Context, tenant, id, by, text string) (*Alert, error) {
	text = strings.TrimSpace(text)
	switch {
	case text == "":
		return nil, arm.Invalid("comment: it is empty")
	case len(text) > maxComment:
		return nil, arm.Invalid("comment: it is longer than %d bytes", maxComment)
	case !utf8.ValidString(text):
		return nil, arm.Invalid("comment: it is no UTF-8")
	}
	return b.change(ctx, tenant, id, "commented", by, func(a *Alert) error {
		a.Comments = append(a.Comments, Comment{At: b.now().UTC(), By: by, Text: text})
		a.Comments = a.Comments[max(0, len(a.Comments)-maxComments):]
		return nil
	})
}

// Assign says who works on an alert and all alerts of an incident; "" is nobody.
func (b *Book) Assign(ctx context.Context, tenant, id, by, assignee string) (*Alert, error) {
	assignee = strings.TrimSpace(assignee)
	if len(assignee) > 200 {
		return nil, arm.Invalid("assignee: it is longer than 200 bytes")
	}
	return b.change(ctx, tenant, id, "assigned to "+assignee, by, func(a *Alert) error {
		a.Assignee = assignee
		return nil
	})
}

// change edits an alert, or an incident and its alerts but for comments, and
// audits it.
func (b *Book) change(ctx context.Context, tenant, id, what, by string, edit func(*Alert) error) (a *Alert, err error) {
	err = b.store.Update(ctx, func(tx *store.Tx) error {
		row, err := tx.LockAlert(ctx, tenant, id)
		if err != nil {
			return err
		}
		if a, err = decode(row); err != nil {
			return err
		}
		edited := []*Alert{a}
		if a.IsIncident && what != "commented" {
			rows, err := tx.Alerts(ctx, store.AlertQuery{Tenant: tenant, Incident: id, Limit: maxMembers})
			if err != nil {
				return err
			}
			for i := range rows {
				m, err := decode(&rows[i])
				if err != nil {
					return err
				}
				edited = append(edited, m)
			}
		}
		rows := make([]store.AlertRow, len(edited))
		for i, e := range edited {
			if err := edit(e); err != nil {
				return err
			}
			if rows[i], err = encode(e); err != nil {
				return err
			}
		}
		if err := tx.PutAlerts(ctx, rows); err != nil {
			return err
		}
		return tx.AppendAudit(ctx, store.AuditRow{Tenant: tenant, Actor: by, Action: "alert " + what, Target: "alert " + id, Outcome: "done"})
	})
	return a, err
}

// TrySuppression lists the alerts since a query's Since that a rule would have
// dismissed.
func (b *Book) TrySuppression(ctx context.Context, s *Suppression, q store.AlertQuery) (selected []*Alert, seen int, err error) {
	q.Limit = 500
	for {
		page, err := b.List(ctx, q)
		if err != nil {
			return nil, 0, err
		}
		for _, a := range page {
			seen++
			if s.Selects(a) {
				selected = append(selected, a)
			}
		}
		if len(page) < q.Limit || seen >= 20_000 {
			return selected, seen, nil
		}
		last := page[len(page)-1]
		q.After = &store.AlertPlace{Last: last.Last, ID: last.ID}
	}
}
