package windows

import (
	"slices"
	"strings"

	"github.com/rampart-sec/rampart/internal/threat/event"
)

// channel is what is known of a log channel.
type channel struct {
	byID  map[int]*event.Kind // events that show a category
	other *event.Kind
}

// services names the services of rules and the channels that they mean.
var services = map[string][]string{
	"security":                  {"Security"},
	"system":                    {"System"},
	"application":               {"Application"},
	"sysmon":                    {"Microsoft-Windows-Sysmon/Operational"},
	"powershell":                {"Microsoft-Windows-PowerShell/Operational", "PowerShellCore/Operational"},
	"powershell-classic":        {"Windows PowerShell"},
	"windefend":                 {"Microsoft-Windows-Windows Defender/Operational"},
	"applocker":                 {"Microsoft-Windows-AppLocker/MSI and Script", "Microsoft-Windows-AppLocker/EXE and DLL", "Microsoft-Windows-AppLocker/Packaged app-Deployment", "Microsoft-Windows-AppLocker/Packaged app-Execution"},
	"appmodel-runtime":          {"Microsoft-Windows-AppModel-Runtime/Admin"},
	"appxdeployment-server":     {"Microsoft-Windows-AppXDeploymentServer/Operational"},
	"appxpackaging-om":          {"Microsoft-Windows-AppxPackaging/Operational"},
	"bitlocker":                 {"Microsoft-Windows-BitLocker/BitLocker Management"},
	"bits-client":               {"Microsoft-Windows-Bits-Client/Operational"},
	"capi2":                     {"Microsoft-Windows-CAPI2/Operational"},
	"codeintegrity-operational": {"Microsoft-Windows-CodeIntegrity/Operational"},
	"certificateservicesclient-lifecycle-system": {"Microsoft-Windows-CertificateServicesClient-Lifecycle-System/Operational"},
	"dhcp":                                 {"Microsoft-Windows-DHCP-Server/Operational"},
	"diagnosis-scripted":                   {"Microsoft-Windows-Diagnosis-Scripted/Operational"},
	"dns-client":                           {"Microsoft-Windows-DNS Client Events/Operational", "Microsoft-Windows-DNS-Client/Operational"},
	"dns-server":                           {"DNS Server"},
	"dns-server-analytic":                  {"Microsoft-Windows-DNS-Server/Analytical", "Microsoft-Windows-DNSServer/Analytical"},
	"dns-server-audit":                     {"Microsoft-Windows-DNS-Server/Audit", "Microsoft-Windows-DNSServer/Audit"},
	"driver-framework":                     {"Microsoft-Windows-DriverFrameworks-UserMode/Operational"},
	"firewall-as":                          {"Microsoft-Windows-Windows Firewall With Advanced Security/Firewall"},
	"hyper-v-worker":                       {"Microsoft-Windows-Hyper-V-Worker"},
	"iis-configuration":                    {"Microsoft-IIS-Configuration/Operational"},
	"kernel-event-tracing":                 {"Microsoft-Windows-Kernel-EventTracing"},
	"kernel-shimengine":                    {"Microsoft-Windows-Kernel-ShimEngine/Operational", "Microsoft-Windows-Kernel-ShimEngine/Diagnostic"},
	"ldap":                                 {"Microsoft-Windows-LDAP-Client/Debug"},
	"ldap_debug":                           {"Microsoft-Windows-LDAP-Client/Debug"},
	"lsa-server":                           {"Microsoft-Windows-LSA/Operational"},
	"microsoft-servicebus-client":          {"Microsoft-ServiceBus-Client/Operational", "Microsoft-ServiceBus-Client/Admin", "Microsoft-ServiceBus-Client"},
	"msexchange-management":                {"MSExchange Management"},
	"ntfs":                                 {"Microsoft-Windows-Ntfs/Operational"},
	"ntlm":                                 {"Microsoft-Windows-NTLM/Operational"},
	"openssh":                              {"OpenSSH/Operational"},
	"printservice-admin":                   {"Microsoft-Windows-PrintService/Admin"},
	"printservice-operational":             {"Microsoft-Windows-PrintService/Operational"},
	"security-mitigations":                 {"Microsoft-Windows-Security-Mitigations/KernelMode", "Microsoft-Windows-Security-Mitigations/UserMode", "Microsoft-Windows-Security-Mitigations/Kernel Mode", "Microsoft-Windows-Security-Mitigations/User Mode"},
	"sense":                                {"Microsoft-Windows-SENSE/Operational"},
	"shell-core":                           {"Microsoft-Windows-Shell-Core/Operational"},
	"smbclient-connectivity":               {"Microsoft-Windows-SmbClient/Connectivity"},
	"smbclient-security":                   {"Microsoft-Windows-SmbClient/Security"},
	"smbserver-connectivity":               {"Microsoft-Windows-SMBServer/Connectivity"},
	"taskscheduler":                        {"Microsoft-Windows-TaskScheduler/Operational"},
	"terminalservices-localsessionmanager": {"Microsoft-Windows-TerminalServices-LocalSessionManager/Operational"},
	"vhdmp":                                {"Microsoft-Windows-VHDMP/Operational", "Microsoft-Windows-VHDMP-Operational"},
	"wmi":                                  {"Microsoft-Windows-WMI-Activity/Operational"},
}

// providerChannels stand in where an event names no channel.
var providerChannels = map[string]string{
	"microsoft-windows-sysmon":            "Microsoft-Windows-Sysmon/Operational",
	"microsoft-windows-security-auditing": "Security",
	"microsoft-windows-powershell":        "Microsoft-Windows-PowerShell/Operational",
	"powershellcore":                      "PowerShellCore/Operational",
	"powershell":                          "Windows PowerShell",
	"service control manager":             "System",
	"microsoft-windows-windows defender":  "Microsoft-Windows-Windows Defender/Operational",
	"microsoft-windows-taskscheduler":     "Microsoft-Windows-TaskScheduler/Operational",
	"microsoft-windows-wmi-activity":      "Microsoft-Windows-WMI-Activity/Operational",
	"microsoft-windows-bits-client":       "Microsoft-Windows-Bits-Client/Operational",
	"microsoft-windows-dns-client":        "Microsoft-Windows-DNS Client Events/Operational",
}

// categories names, by channel, the events that show what a category is about.
var categories = map[string]map[int][]string{
	"Microsoft-Windows-Sysmon/Operational": {
		1: {"process_creation"}, 2: {"file_change"}, 3: {"network_connection"}, 4: {"sysmon_status"}, 5: {"process_termination"},
		6: {"driver_load"}, 7: {"image_load"}, 8: {"create_remote_thread"}, 9: {"raw_access_thread"}, 10: {"process_access"}, 11: {"file_event"},
		12: {"registry_add", "registry_delete", "registry_event"}, 13: {"registry_set", "registry_event"}, 14: {"registry_rename", "registry_event"},
		15: {"create_stream_hash"}, 16: {"sysmon_status"}, 17: {"pipe_created"}, 18: {"pipe_created"},
		19: {"wmi_event"}, 20: {"wmi_event"}, 21: {"wmi_event"}, 22: {"dns_query"}, 23: {"file_delete"}, 24: {"clipboard_capture"},
		25: {"process_tampering"}, 26: {"file_delete"}, 27: {"file_block_executable"}, 28: {"file_block_shredding"},
		29: {"file_executable_detected"}, 255: {"sysmon_error"},
	},
	"Security": {4688: {"process_creation"}, 4657: {"registry_set", "registry_event"}},
	"Microsoft-Windows-PowerShell/Operational": {4103: {"ps_module"}, 4104: {"ps_script"}},
	"PowerShellCore/Operational":               {4103: {"ps_module"}, 4104: {"ps_script"}},
	"Windows PowerShell":                       {400: {"ps_classic_start"}, 600: {"ps_classic_provider_start"}, 800: {"ps_classic_script"}},
	"Microsoft-Windows-Kernel-File/Analytic":   {12: {"file_access"}, 19: {"file_rename"}, 27: {"file_rename"}, 26: {"file_delete"}},
}

// plain are the events of channels that no rule names.
var plain = &channel{other: event.NewKind("windows", nil, nil)}

var channels = buildChannels()

// buildChannels turns the tables around: by channel name in lower case.
func buildChannels() map[string]*channel {
	named := map[string][]string{}
	for service, list := range services {
		for _, name := range list {
			named[name] = append(named[name], service)
		}
	}
	for name := range categories {
		if _, listed := named[name]; !listed {
			named[name] = nil // channels without a service too
		}
	}
	out := map[string]*channel{}
	for name, of := range named {
		slices.Sort(of)
		c := &channel{other: event.NewKind("windows", nil, of), byID: map[int]*event.Kind{}}
		for id, cats := range categories[name] {
			c.byID[id] = event.NewKind("windows", cats, of)
		}
		out[strings.ToLower(name)] = c
	}
	for provider, name := range providerChannels {
		out["\x00"+provider] = out[strings.ToLower(name)]
	}
	return out
}

// Kind is the log source of an event, by its channel, or by its provider where
// the event names no channel. Case does not matter. It allocates nothing.
func Kind(channelName, provider []byte, id int) *event.Kind {
	c := find(channelName, provider)
	if k := c.byID[id]; k != nil {
		return k
	}
	return c.other
}

// longestName is longer than any name in the tables.
const longestName = 160

func find(channelName, provider []byte) *channel {
	var buf [longestName + 1]byte
	key := buf[:0]
	if len(channelName) == 0 {
		channelName, key = provider, append(key, 0)
	}
	if len(channelName) > longestName {
		return plain
	}
	key = event.AppendFold(key, channelName)
	if c := channels[string(key)]; c != nil {
		return c
	}
	return plain
}
