package governance

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/rampart-sec/rampart/content"
	"github.com/rampart-sec/rampart/internal/base/arm"
)

// hours after since.
func hours(n int) time.Time { return since.Add(time.Duration(n) * time.Hour) }

// made is a rule by hours: made at, deleted at, overrode at; 0 is never.
func made(t *testing.T, owner string, priority, created, retired, overrode int) *Rule {
	t.Helper()
	r := rule(t, sub, owner, "displayName", `"`+owner+`"`, "rulePriority", fmt.Sprint(priority), "ownerSource", `{"type":"Manually","value":"`+owner+`"}`)
	r.Created = hours(created)
	if retired != 0 {
		r.Retired = hours(retired)
	}
	if overrode != 0 {
		r.Overrode = hours(overrode)
	}
	return r
}

// record is a person's word at a scope, after some hours.
func record(t *testing.T, scope, owner string, at int, more ...string) *Record {
	t.Helper()
	body := `{"properties":{"owner":"` + owner + `","remediationDueDate":"2026-05-01T00:00:00Z","assignedOn":"` + hours(at).Format(time.RFC3339) + `","assignedBy":"boss"`
	for _, m := range more {
		body += "," + m
	}
	r, err := ParseRecord(RecordID(scope, key, owner), []byte(body+"}}"))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestWhoHasIt tells who has a task that opened at hour 0, of which hours are
// counted; done ones were done at hour 10.
func TestWhoHasIt(t *testing.T) {
	rules := func(rs ...*Rule) []*Rule { return rs }
	records := func(rs ...*Record) []*Record { return rs }
	tests := map[string]struct {
		rules   []*Rule
		records []*Record
		done    bool
		want    string
	}{
		"the first rule":                             {rules: rules(made(t, "low", 9, -5, 0, 0), made(t, "first", 1, -1, 0, 0)), want: "first"},
		"a later rule fills":                         {rules: rules(made(t, "late", 1, 5, 0, 0)), want: "late"},
		"a later rule fills only":                    {rules: rules(made(t, "late", 1, 5, 0, 0), made(t, "early", 9, -5, 0, 0)), want: "early"},
		"an override replaces":                       {rules: rules(made(t, "late", 1, 5, 0, 6), made(t, "early", 9, -5, 0, 0)), want: "late"},
		"an override before it opened":               {rules: rules(made(t, "over", 9, -5, 0, -2), made(t, "first", 1, -5, 0, 0)), want: "first"},
		"the last override":                          {rules: rules(made(t, "a", 1, -5, 0, 6), made(t, "b", 9, -5, 0, 7)), want: "b"},
		"deleted, kept":                              {rules: rules(made(t, "gone", 5, -5, 2, 0)), want: "gone"},
		"deleted before it opened":                   {rules: rules(made(t, "gone", 5, -5, -1, 0)), want: ""},
		"kept from a later rule":                     {rules: rules(made(t, "gone", 5, -5, 2, 0), made(t, "new", 1, 3, 0, 0)), want: "gone"},
		"by hand wins":                               {rules: rules(made(t, "rule", 1, -5, 0, 0)), records: records(record(t, vm, "ana", 1)), want: "ana"},
		"in bulk":                                    {rules: rules(made(t, "rule", 1, -5, 0, 0)), records: records(record(t, sub, "ana", 1)), want: "ana"},
		"in bulk before it opened":                   {rules: rules(made(t, "rule", 1, -5, 0, 0)), records: records(record(t, sub, "ana", -1)), want: "rule"},
		"the last word":                              {records: records(record(t, sub, "bulk", 3), record(t, vm, "one", 2)), want: "bulk"},
		"an override after a word":                   {rules: rules(made(t, "rule", 1, -5, 0, 4)), records: records(record(t, vm, "ana", 3)), want: "rule"},
		"a word after an override":                   {rules: rules(made(t, "rule", 1, -5, 0, 4)), records: records(record(t, vm, "ana", 5)), want: "ana"},
		"another scope":                              {records: records(record(t, "/subscriptions/s2", "ana", 1)), want: ""},
		"a management group":                         {records: records(record(t, "/providers/Microsoft.Management/managementGroups/m", "ana", 1)), want: "ana"},
		"done, by the rule":                          {rules: rules(made(t, "rule", 1, -5, 0, 0)), done: true, want: "rule"},
		"done before the rule, the word, the change": {rules: rules(made(t, "rule", 1, 11, 0, 0)), records: records(record(t, vm, "ana", 11)), done: true, want: ""},
		"done before the override":                   {rules: rules(made(t, "a", 1, -5, 0, 0), made(t, "b", 9, -5, 0, 12)), done: true, want: "a"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := subject(content.High)
			if tt.done {
				s.Done = hours(10)
			}
			a, _ := NewBoard(tt.rules, tt.records, nil).Assign(s)
			if a.Owner != tt.want {
				t.Errorf("%+v has it, want %q", a, tt.want)
			}
		})
	}
}

func TestPromises(t *testing.T) {
	promise := func(at int, eta string) []string {
		return []string{`"etaSetOn":"` + hours(at).Format(time.RFC3339) + `"`, `"etaSetBy":"ana"`, `"remediationEta":{"eta":"` + eta + `","justification":"parts"}`}
	}
	own := record(t, vm, "ana", 1, promise(2, "2026-05-02T00:00:00Z")...)
	bulk := record(t, sub, "bo", 3)
	note := record(t, vm, "ana", 1, promise(4, "2026-04-30T00:00:00Z")...)
	note.AssignedOn = time.Time{} // a promise for what bulk assigned
	for name, tt := range map[string]struct {
		records []*Record
		eta     string
		late    bool
	}{
		"of its own, late":            {[]*Record{own}, "2026-05-02", true},
		"of an assignment that ended": {[]*Record{own, bulk}, "0001-01-01", false},
		"for a wider assignment":      {[]*Record{note, bulk}, "2026-04-30", false},
	} {
		t.Run(name, func(t *testing.T) {
			a, ok := NewBoard(nil, tt.records, nil).Assign(subject(content.High))
			if !ok || a.ETA.Format(time.DateOnly) != tt.eta || a.Late() != tt.late || !a.Due.Equal(own.Due) {
				t.Errorf("assignment %+v, late %v; want the ETA %s, late %v and the due date where it was", a, a.Late(), tt.eta, tt.late)
			}
		})
	}
}

func TestBoardIsImmutable(t *testing.T) {
	ana, bo := record(t, vm, "ana", 1), record(t, vm, "bo", 2)
	one := NewBoard(nil, []*Record{ana}, []string{"Gone@example.org"})
	two := one.With(bo)
	three := two.Without(bo, ana)
	for i, want := range []string{"ana", "bo", ""} {
		if a, _ := []*Board{one, two, three}[i].Assign(subject(content.High)); a.Owner != want {
			t.Errorf("board %d: %q has it, want %q", i, a.Owner, want)
		}
	}
	if !three.Empty() || !three.Gone("GONE@example.org") || three.Gone("ana") {
		t.Error("the last board should be empty and know who is gone")
	}
}

func TestRecordIDs(t *testing.T) {
	for id, want := range map[string][3]string{
		RecordID(vm, key, "k"): {vm, key, "k"},
		"/PROVIDERS/Microsoft.Security/ASSESSMENTS/a/GovernanceAssignments/B": {"", "a", "B"},
		"/subscriptions/s/providers/Microsoft.Security/assessments/a":         {},
		RecordID(vm, key, ""):   {},
		RecordID(vm, "", "k"):   {},
		RecordID(vm, "a", "k/"): {},
	} {
		scope, rec, k, ok := SplitRecordID(id)
		if ok != (want[1] != "") || ok && [3]string{scope, rec, k} != want {
			t.Errorf("%s: %q %q %q %v, want %q", id, scope, rec, k, ok, want)
		}
	}
}

func FuzzParseRecord(f *testing.F) {
	f.Add(RecordID(vm, key, "k"), []byte(`{"properties":{"owner":"ana","remediationDueDate":"2026-05-01T00:00:00Z","remediationEta":{"eta":"2026-05-01T00:00:00Z","justification":"x"},"additionalData":{"ticketNumber":1}}}`))
	f.Fuzz(func(t *testing.T, id string, data []byte) {
		r, err := ParseRecord(id, data)
		if err != nil {
			var client *arm.Error
			if !errors.As(err, &client) {
				t.Errorf("error %v, want one that a client may be shown", err)
			}
			return
		}
		if p := r.Properties(); p == nil {
			t.Error("the record cannot be written")
		}
		NewBoard(nil, []*Record{r}, nil).Assign(subject(content.High))
	})
}
