package sigma

import (
	"strings"
	"testing"

	"github.com/rampart-sec/rampart/internal/threat/event"
	"github.com/rampart-sec/rampart/internal/threat/event/windows"
)

// TestNothingIsAllocatedForWhatMatchesNothing matches an event that many kinds of
// comparison look at.
func TestNothingIsAllocatedForWhatMatchesNothing(t *testing.T) {
	rules := publicRules(t).Rules
	engine := Compile(rules)
	const text = `{"Channel":"Microsoft-Windows-Sysmon/Operational","EventID":1,"Image":"C:\\Program Files\\Contoso\\agent.exe","CommandLine":"\"C:\\Program Files\\Contoso\\agent.exe\" --once","ParentImage":"C:\\Program Files\\Contoso\\svc.exe","User":"NT AUTHORITY\\SYSTEM","OriginalFileName":"agent.exe","CurrentDirectory":"C:\\Program Files\\Contoso\\"}`
	dec := windows.NewJSON(strings.NewReader(strings.Repeat(text+"\n", 3000)), engine.Schema())
	m := engine.Matcher()
	var rec event.Record
	one := func() {
		if err := dec.Next(&rec); err != nil {
			t.Fatal(err)
		}
		if got := m.Match(&rec); len(got) > 0 {
			t.Fatalf("%s matches", got[0].Title)
		}
	}
	for range 500 {
		one()
	}
	if n := testing.AllocsPerRun(2000, one); n != 0 {
		t.Errorf("%v allocations an event", n)
	}
}
