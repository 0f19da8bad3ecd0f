package assess_test

import (
	"strings"
	"testing"
	"time"

	"github.com/rampart-sec/rampart/internal/posture/assess"
)

// TestRunTellsOfBadRows: rows that cannot be used are listed by line, the others
// are judged.
func TestRunTellsOfBadRows(t *testing.T) {
	const kind = "/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/"
	in := strings.Join([]string{
		`{"id":"/subscriptions/6f9619ff-8b86-d011-b42d-00cf4fc964ff` + kind + `a","properties":{"supportsHttpsTrafficOnly":false}}`,
		`{"id":"/subscriptions/nope` + kind + `b","properties":{"supportsHttpsTrafficOnly":false}}`,
		`{"id":`,
	}, "\n")
	report, err := assess.Run(t.Context(), assess.Options{Resources: strings.NewReader(in), Now: time.Now})
	if err != nil || report.Resources != 1 || report.RejectedTotal != 2 || report.Evaluations == 0 {
		t.Fatalf("%+v, %v", report, err)
	}
	if r := report.Rejected[0]; r.Line != 2 || r.Reason != `its subscription "nope" is not a GUID` {
		t.Errorf("%+v", r)
	}
}
