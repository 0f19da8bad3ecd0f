package posture

import (
	"encoding/json"
	"log/slog"
	"strings"
	"testing"

	"github.com/rampart-sec/rampart/content"
	"github.com/rampart-sec/rampart/internal/base/wire"
)

// TestCommandsAreProvenByTheirReport asks for the fix of a failed check on a
// machine: commands, with the report that they lead to, evaluated.
func TestCommandsAreProvenByTheirReport(t *testing.T) {
	w := newWorld(t)
	library, err := content.Load()
	if err != nil {
		t.Fatal(err)
	}
	judge, err := New(Options{
		Store: w.db, Inventory: w.inv, Library: library, Now: w.clock.now, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	w.judge = judge
	w.step()
	machine := w.doc("Microsoft.HybridCompute/machines", "web01", map[string]any{"osType": "linux"})
	report := wire.Document{
		ID:   machine.ID + "/providers/Microsoft.GuestConfiguration/guestConfigurationAssignments/RampartBaseline",
		Type: "Microsoft.GuestConfiguration/guestConfigurationAssignments", Source: "test", ObservedAt: w.clock.now(),
	}
	report.Body = json.RawMessage(`{"id":"` + report.ID + `","name":"RampartBaseline","type":"` + report.Type + `",
		"properties":{"checks":{"ssh-permit-root-login":{"state":"fail"},"ssh-ciphers":{"state":"pass"}}}}`)
	w.put(machine, report)

	var id string
	for _, r := range library.Recommendations {
		if r.Name == "machine-ssh-permit-root-login" {
			id = r.ID
		}
	}
	ev, err := Explain(t.Context(), w.estate(), machine.ID, id)
	if err != nil {
		t.Fatal(err)
	}
	f := ev.Fix
	if f == nil {
		t.Fatal("there is no fix")
	}
	if f.Patch != "" || f.Shell == "" || !strings.Contains(f.Before, "fail") || !strings.Contains(f.After, "pass") {
		t.Errorf("fix = %+v, want commands and the report before and after", f)
	}
	if len(f.SideEffects) != 0 {
		t.Errorf("side effects = %+v, want none: the other check stays as it is", f.SideEffects)
	}
}
