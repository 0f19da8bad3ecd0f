package compliance

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/rampart-sec/rampart/content"
	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

var now = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

func TestControlState(t *testing.T) {
	good, bad := record.Counts{Healthy: 3}, record.Counts{Healthy: 3, Unhealthy: 1}
	blank, exempt := record.Counts{Unknown: 4, NotApplicable: 2}, record.Counts{Exempt: 1}
	tests := map[string]struct {
		counts   []record.Counts
		attested *Attestation
		want     State
	}{
		"nothing maps":             {want: Unsupported},
		"one failed":               {counts: []record.Counts{good, bad}, want: Failed},
		"all passed":               {counts: []record.Counts{good, exempt}, want: Passed},
		"unknown is not a pass":    {counts: []record.Counts{blank}, want: Skipped},
		"unknown beside a pass":    {counts: []record.Counts{blank, good}, want: Passed},
		"attested without checks":  {attested: &Attestation{State: Passed}, want: Passed},
		"attestation has the word": {counts: []record.Counts{bad}, attested: &Attestation{State: Passed}, want: Passed},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			b := bound{serves: make([][]*record.Recommendation, 1)}
			for i := range tt.counts {
				b.serves[0] = append(b.serves[0], &record.Recommendation{Index: i})
			}
			counts := func(r *record.Recommendation) record.Counts { return tt.counts[r.Index] }
			if got := b.state(0, tt.attested, counts); got != tt.want {
				t.Errorf("state %s, want %s", got, tt.want)
			}
		})
	}
}

func TestLatestAttestation(t *testing.T) {
	all := []Attestation{
		{Standard: "s", Control: "1", State: Failed, At: now.AddDate(0, -2, 0)},
		{Standard: "s", Control: "1", State: Passed, At: now.AddDate(0, -1, 0), Expires: now},
		{Standard: "s", Control: "2", State: Passed, At: now},
	}
	if a := latest(all, "s", "1", now.Add(-time.Second)); a == nil || a.State != Passed {
		t.Errorf("before its end the newest counts, got %v", a)
	}
	if a := latest(all, "s", "1", now); a == nil || a.State != Failed {
		t.Errorf("at its end an attestation is void and the one before counts again, got %v", a)
	}
	if a := latest(all, "s", "3", now); a != nil {
		t.Errorf("control 3 has no attestation, got %v", a)
	}
}

func TestParseAttestationRefuses(t *testing.T) {
	tests := map[string]string{
		"not JSON":    `{`,
		"no control":  `{"standard":"s","state":"Passed","comment":"c"}`,
		"odd state":   `{"standard":"s","control":"1","state":"Skipped","comment":"c"}`,
		"no comment":  `{"standard":"s","control":"1","state":"Passed","comment":"  "}`,
		"already out": `{"standard":"s","control":"1","state":"Passed","comment":"c","expires":"2020-01-01T00:00:00Z"}`,
	}
	for name, in := range tests {
		t.Run(name, func(t *testing.T) {
			var client *arm.Error
			if _, err := ParseAttestation([]byte(in), now); !errors.As(err, &client) || client.Status != 400 {
				t.Errorf("error %v, want one that a client may be shown", err)
			}
		})
	}
}

func sample() Report {
	c := Control{StandardControl: content.StandardControl{Number: "1.1", Domain: "=cmd", Title: "Keep <b>ports</b> closed"}, State: Failed,
		Assessments: []Assessment{{&record.Recommendation{ID: "a", Title: "Ports should be closed"}, record.Counts{Healthy: 2, Unhealthy: 1}, Failed}}}
	manual := Control{StandardControl: content.StandardControl{Number: "1.2", Title: "Train people"}, State: Passed,
		Attestation: &Attestation{State: Passed, By: "ana", At: now, Comment: "Course of March"}}
	r := Report{Standard: &Standard{Standard: &content.Standard{Title: "Trial standard", Version: "1"}}, At: now, Controls: []Control{c, manual}}
	for _, c := range r.Controls {
		r.count(c.State)
	}
	return r
}

func TestReportsSayTheSame(t *testing.T) {
	r := sample()
	var csvOut, jsonOut, htmlOut bytes.Buffer
	for _, err := range []error{r.WriteCSV(&csvOut), r.WriteJSON(&jsonOut), r.WriteHTML(&htmlOut)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	lines, err := csv.NewReader(&csvOut).ReadAll()
	if err != nil || len(lines) != 3 || lines[1][2] != "'=cmd" || lines[1][8] != "1" || !strings.Contains(lines[2][11], "attested passed by ana") {
		t.Errorf("csv lines %q, %v", lines, err)
	}
	var back jsonReport
	if err := json.Unmarshal(jsonOut.Bytes(), &back); err != nil || back.Passed != 1 || back.Failed != 1 || back.Controls[0].Assessments[0].Unhealthy != 1 {
		t.Errorf("json %+v, %v", back, err)
	}
	html := htmlOut.String()
	if strings.Contains(html, "<b>ports</b>") || !strings.Contains(html, "Course of March") || !strings.Contains(html, `class="Failed"`) {
		t.Errorf("the page shows foreign text as text, attestations and states: %s", html)
	}
}
