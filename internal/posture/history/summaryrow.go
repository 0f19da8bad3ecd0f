package history

import (
	"time"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/posture/index"
)

// SummaryRow is the row that keeps a scope's whole score at a time, as History
// reads it. Only who makes up a snapshot (the sample tenant) needs it: the judge
// writes its own.
func SummaryRow(tenant, scope string, at time.Time, s index.Score) store.ScoreRow {
	return store.ScoreRow{Tenant: tenant, Scope: arm.Fold(scope), Control: summaryControl, At: at,
		Healthy: scaled(s.Percent), Unhealthy: scaled(s.Low), Unknown: scaled(s.High), NotApplicable: int32(s.Max)}
}
