package windows_test

import (
	"testing"

	"github.com/rampart-sec/rampart/internal/threat/event"
	"github.com/rampart-sec/rampart/internal/threat/event/windows"
)

func TestKind(t *testing.T) {
	for _, c := range []struct {
		channel, provider string
		id                int
		want              string
	}{
		{"Microsoft-Windows-Sysmon/Operational", "", 1, "windows/process_creation/sysmon"},
		{"microsoft-windows-sysmon/operational", "", 13, "windows/registry_set+registry_event/sysmon"},
		{"security", "Microsoft-Windows-Security-Auditing", 4688, "windows/process_creation/security"},
		{"Security", "", 4624, "windows//security"},
		{"", "Microsoft-Windows-Sysmon", 22, "windows/dns_query/sysmon"},
		{"Microsoft-Windows-LDAP-Client/Debug", "", 30, "windows//ldap+ldap_debug"},
		{"PowerShellCore/Operational", "", 4104, "windows/ps_script/powershell"},
		{"Windows PowerShell", "PowerShell", 400, "windows/ps_classic_start/powershell-classic"},
		{"Contoso/Admin", "", 1, "windows//"},
		{"", "", 0, "windows//"},
	} {
		if got := windows.Kind([]byte(c.channel), []byte(c.provider), c.id).String(); got != c.want {
			t.Errorf("%q %q %d is %s, want %s", c.channel, c.provider, c.id, got, c.want)
		}
	}
}

func TestSecurityLogSpeaksTheNamesOfRules(t *testing.T) {
	tax := windows.NewTaxonomy(event.NewSchema([]string{"Image", "ParentImage", "IntegrityLevel", "TargetObject", "Details"}))
	var r event.Record
	r.Reset(tax.Schema())
	for k, v := range map[string]string{"Channel": "Security", "EventID": "4688", "NewProcessName": `C:\a.exe`, "ParentProcessName": `C:\b.exe`, "MandatoryLabel": "S-1-16-12288"} {
		r.AddString(k, v)
	}
	tax.Complete(&r)
	wantFields(t, &r, map[string]string{"Image": `C:\a.exe`, "ParentImage": `C:\b.exe`, "IntegrityLevel": "High"})

	r.Reset(tax.Schema())
	for k, v := range map[string]string{"Channel": "Security", "EventID": "4657", "ObjectName": `\REGISTRY\MACHINE\SOFTWARE\Run`, "ObjectValueName": "x", "NewValue": "evil"} {
		r.AddString(k, v)
	}
	tax.Complete(&r)
	wantFields(t, &r, map[string]string{"TargetObject": `HKLM\SOFTWARE\Run\x`, "Details": "evil"})
}

func wantFields(t *testing.T, r *event.Record, want map[string]string) {
	t.Helper()
	for name, text := range want {
		v := r.First(r.Schema().Slot(name))
		if v == 0 || string(r.Text(v)) != text {
			t.Errorf("%s is not %q", name, text)
		}
	}
}
