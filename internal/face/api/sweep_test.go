package api_test

import (
	"testing"

	"github.com/rampart-sec/rampart/internal/face/api/apitest"
)

// TestSweepFindsNothing sweeps an estate that was judged, and refuses it to who
// may only read.
func TestSweepFindsNothing(t *testing.T) {
	s := apitest.New(t)
	s.Estate()
	sweep := apitest.Call{Method: "POST", Path: "/rampart/v1/sweep"}
	a := s.Want(200, sweep)
	if n := a.Body["differencesTotal"]; n != 0.0 || a.Body["resources"].(float64) < 2 || a.Body["assessments"].(float64) < 1 {
		t.Errorf("%s", a.Raw)
	}
	sweep.Token = newPrincipal(t, s, "reader", "Reader", "/")
	s.Fails(403, "AuthorizationFailed", sweep)
	sweep.Token = newPrincipal(t, s, "admin of one", "Security Admin", s.Sub())
	s.Fails(403, "AuthorizationFailed", sweep)
}
