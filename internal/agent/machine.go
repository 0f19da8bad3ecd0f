package agent

import (
	"time"

	"github.com/rampart-sec/rampart/internal/agent/host"
)

// machineProperties are those of an Arc-enabled server, as far as a host knows
// them itself.
type machineProperties struct {
	DisplayName        string             `json:"displayName"`
	Status             string             `json:"status"`
	ProvisioningState  string             `json:"provisioningState"`
	AgentVersion       string             `json:"agentVersion,omitempty"`
	VMID               string             `json:"vmId,omitempty"`
	MachineFQDN        string             `json:"machineFqdn,omitempty"`
	DNSFQDN            string             `json:"dnsFqdn,omitempty"`
	OSName             string             `json:"osName"`
	OSType             string             `json:"osType"`
	OSSKU              string             `json:"osSku,omitempty"`
	OSVersion          string             `json:"osVersion,omitempty"`
	OSProfile          osProfile          `json:"osProfile"`
	Kernel             string             `json:"kernel,omitempty"`
	LastBootTime       string             `json:"lastBootTime,omitempty"`
	CPU                int                `json:"cpu,omitempty"`
	MemoryMB           int                `json:"memoryMB,omitempty"`
	Container          string             `json:"container,omitempty"`
	DetectedProperties detectedProperties `json:"detectedProperties"`
}

type osProfile struct {
	ComputerName string `json:"computerName"`
}

// detectedProperties have the names and string values of the reference.
type detectedProperties struct {
	Distribution  string `json:"distribution,omitempty"`
	Family        string `json:"family,omitempty"`
	Codename      string `json:"codename,omitempty"`
	Architecture  string `json:"architecture,omitempty"`
	Manufacturer  string `json:"manufacturer,omitempty"`
	Model         string `json:"model,omitempty"`
	Processor     string `json:"processorNames,omitempty"`
	ServiceMan    string `json:"serviceManager,omitempty"`
	CloudProvider string `json:"cloudprovider"`
}

// machine is the document of the machine itself. The location is "global": a
// host does not know where it stands.
func (a *Agent) machine(h *host.Host) document {
	m := h.Machine()
	release, err := h.OSRelease()
	d := document{kind: TypeMachine, name: a.id.Name(), apiVersion: "2022-12-27", location: "global"}
	d.kind = a.id.Type()
	if err != nil {
		for _, p := range []string{"properties.osSku", "properties.osVersion", "properties.detectedProperties"} {
			d.unavailable = append(d.unavailable, p+" "+err.Error())
		}
	}
	p := machineProperties{
		DisplayName: m.Hostname, Status: "Connected", ProvisioningState: "Succeeded", AgentVersion: a.opts.Version,
		VMID: m.ID, MachineFQDN: m.FQDN, DNSFQDN: m.FQDN, OSName: "linux", OSType: "linux",
		OSSKU: release.PrettyName, OSVersion: release.Version, OSProfile: osProfile{ComputerName: m.Hostname},
		Kernel: m.Kernel, CPU: m.CPUs, MemoryMB: m.MemoryMB, Container: m.Container,
		DetectedProperties: detectedProperties{
			Distribution: release.ID, Family: release.Family(), Codename: release.Codename, Architecture: m.Arch,
			Manufacturer: m.Vendor, Model: m.Model, Processor: m.CPUModel, ServiceMan: serviceManager(m.Systemd), CloudProvider: "N/A",
		},
	}
	if !m.Boot.IsZero() {
		p.LastBootTime = m.Boot.Format(time.RFC3339)
	}
	if p.DisplayName == "" {
		p.DisplayName = d.name
	}
	d.properties = p
	return d
}

func serviceManager(systemd bool) string {
	if systemd {
		return "systemd"
	}
	return "none"
}
