package judge

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/posture/governance"
	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// object writes a governance object and lets the estate catch up.
func (be *benchEstate) object(b *testing.B, kind, id string, properties map[string]any) {
	b.Helper()
	ctx := context.Background()
	body, err := json.Marshal(map[string]any{"id": id, "properties": properties})
	if err != nil {
		b.Fatal(err)
	}
	err = be.db.Update(ctx, func(tx *store.Tx) error {
		_, err := tx.PutObject(ctx, store.Object{Kind: kind, ID: id, Body: body}, "")
		return err
	})
	if err == nil {
		err = be.E.catchUp(ctx)
	}
	if err != nil {
		b.Fatal(err)
	}
}

// BenchmarkGovernance is the time from a write to the view that has it: of a rule
// over every severity, of an assignment of one resource, of one in bulk, and what
// the report costs to read.
func BenchmarkGovernance(b *testing.B) {
	be := Bench(b)
	rule := func(days int) {
		be.object(b, governance.RuleKind, "/providers/Microsoft.Security/governanceRules/all", map[string]any{
			"displayName": "all", "rulePriority": 1, "remediationTimeframe": fmt.Sprint(days), "ownerSource": map[string]any{"type": "ByTag", "value": "team"},
			"conditionSets": []any{map[string]any{"conditions": []any{map[string]any{"property": "$.Metadata.severity", "operator": "In", "value": `["high","medium","low","critical"]`}}}},
		})
	}
	assign := func(scope, rec string, i int) {
		be.object(b, governance.AssignmentKind, governance.RecordID(scope, rec, "k"), map[string]any{
			"owner": fmt.Sprintf("ana%d", i%7), "remediationDueDate": time.Now().AddDate(0, 0, 7), "assignedOn": time.Now(), "assignedBy": "boss",
		})
	}
	rule(7)
	page, err := be.E.View().Assessments(index.AssessmentQuery{State: []record.State{record.Unhealthy}, Limit: 1})
	if err != nil || len(page.Rows) == 0 {
		b.Fatal(page.Total, err)
	}
	a := page.Rows[0]
	b.Run("rule", func(b *testing.B) {
		for i := range b.N {
			rule(8 + i%2)
		}
		b.ReportMetric(float64(page.Total), "tasks")
	})
	b.Run("one", func(b *testing.B) {
		for i := range b.N {
			assign(a.ResourceID, a.Recommendation.ID, i)
		}
	})
	b.Run("bulk", func(b *testing.B) {
		for i := range b.N {
			assign("", a.Recommendation.ID, i)
		}
		rows, _ := be.E.View().Assessments(index.AssessmentQuery{Recommendation: a.Recommendation.ID, State: []record.State{record.Unhealthy}, Limit: 1})
		b.ReportMetric(float64(rows.Total), "tasks")
	})
	for name, scope := range map[string]index.Scope{"report": {}, "report_tag": {Tag: be.E.View().TagNames()[0]}} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if len(be.E.View().Workloads(scope)) == 0 {
					b.Fatal("nobody has anything to do")
				}
			}
		})
	}
}
