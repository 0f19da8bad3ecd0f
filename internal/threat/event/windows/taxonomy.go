package windows

import (
	"bytes"

	"github.com/rampart-sec/rampart/internal/threat/event"
)

// own are the names that Complete reads or gives.
var own = []string{
	"Channel", "EventID", "Provider_Name", "Computer", "Data", "Message",
	"SourceName", "ProviderName", "Hostname", "ExecutionProcessID", "Execution_ProcessID",
	"Image", "NewProcessName", "ParentImage", "ParentProcessName", "User", "SubjectUserName", "LogonId", "SubjectLogonId",
	"IntegrityLevel", "MandatoryLabel", "TargetObject", "ObjectName", "ObjectValueName", "Details", "NewValue", "ProcessName",
}

// Taxonomy completes Windows records under a schema. It is immutable and safe for
// concurrent use.
type Taxonomy struct {
	schema                                                  *event.Schema
	channel, id, provider, computer, data, message          event.Slot
	sourceName, providerName, hostname, executionID, execID event.Slot
	process, registry                                       [][2]event.Slot
	integrity, label                                        event.Slot
	target, object, objectValue                             event.Slot
}

// NewTaxonomy extends a schema by the names that are needed here. Decoders reset
// their records with Schema of what it gives.
func NewTaxonomy(s *event.Schema) *Taxonomy {
	s = s.Extend(own...)
	t := &Taxonomy{
		schema: s, channel: s.Slot("Channel"), id: s.Slot("EventID"), provider: s.Slot("Provider_Name"), computer: s.Slot("Computer"),
		data: s.Slot("Data"), message: s.Slot("Message"),
		sourceName: s.Slot("SourceName"), providerName: s.Slot("ProviderName"), hostname: s.Slot("Hostname"),
		executionID: s.Slot("ExecutionProcessID"), execID: s.Slot("Execution_ProcessID"),
		integrity: s.Slot("IntegrityLevel"), label: s.Slot("MandatoryLabel"),
		target: s.Slot("TargetObject"), object: s.Slot("ObjectName"), objectValue: s.Slot("ObjectValueName"),
	}
	t.process = pairs(s, "Image", "NewProcessName", "ParentImage", "ParentProcessName", "User", "SubjectUserName", "LogonId", "SubjectLogonId")
	t.registry = pairs(s, "Details", "NewValue", "Image", "ProcessName", "User", "SubjectUserName")
	return t
}

func pairs(s *event.Schema, names ...string) (out [][2]event.Slot) {
	for i := 0; i < len(names); i += 2 {
		out = append(out, [2]event.Slot{s.Slot(names[i]), s.Slot(names[i+1])})
	}
	return out
}

// Schema is the schema that records must be reset with.
func (t *Taxonomy) Schema() *event.Schema { return t.schema }

// Complete gives a record that has its fields its kind, from Channel (or
// Provider_Name) and EventID, and the names that rules use for the same thing:
// of process creations as the Security log has them (4688) Image, ParentImage,
// User, LogonId and IntegrityLevel, of registry writes (4657) TargetObject,
// Details and Image. Names that the event has itself stay as they are.
func (t *Taxonomy) Complete(r *event.Record) {
	r.Alias(t.provider, t.sourceName)
	r.Alias(t.provider, t.providerName)
	r.Alias(t.computer, t.hostname)
	r.Alias(t.execID, t.executionID)
	id := 0
	if v := r.First(t.id); v != 0 {
		id = number(r.Text(v))
	}
	r.Kind = Kind(textOf(r, t.channel), textOf(r, t.provider), id)
	switch {
	case id == 4688:
		alias(r, t.process)
		t.integrityLevel(r)
	case id == 4657:
		t.registryPath(r)
		alias(r, t.registry)
	}
	r.Alias(t.data, t.message) // classic events have their text in one place or the other
}

func alias(r *event.Record, list [][2]event.Slot) {
	for _, p := range list {
		r.Alias(p[0], p[1])
	}
}

func textOf(r *event.Record, slot event.Slot) []byte {
	if v := r.First(slot); v != 0 {
		return r.Text(v)
	}
	return nil
}

// number reads an event id, which some shapes write as a string.
func number(b []byte) int {
	n := 0
	for _, c := range b {
		if c < '0' || c > '9' || n > 1<<20 {
			return 0
		}
		n = n*10 + int(c-'0')
	}
	return n
}

// integrityLevels are the names that Sysmon uses for mandatory labels
// (S-1-16-RID of [MS-DTYP] 2.4.2.4).
var integrityLevels = map[string]string{
	"S-1-16-0": "Untrusted", "S-1-16-4096": "Low", "S-1-16-8192": "Medium", "S-1-16-8448": "Medium",
	"S-1-16-12288": "High", "S-1-16-16384": "System", "S-1-16-20480": "Protected",
}

func (t *Taxonomy) integrityLevel(r *event.Record) {
	name, ok := integrityLevels[string(textOf(r, t.label))]
	if ok && r.First(t.integrity) == 0 {
		r.Put(t.integrity, event.Value{Raw: r.Keep([]byte(name))})
	}
}

// hives are the short names that Sysmon uses for the roots of kernel paths.
var hives = []struct{ kernel, short string }{{`\REGISTRY\MACHINE`, "HKLM"}, {`\REGISTRY\USER`, "HKU"}}

func (t *Taxonomy) registryPath(r *event.Record) {
	path := textOf(r, t.object)
	if len(path) == 0 || r.First(t.target) != 0 {
		return
	}
	var full []byte
	for _, h := range hives {
		if len(path) >= len(h.kernel) && bytes.EqualFold(path[:len(h.kernel)], []byte(h.kernel)) {
			full = append([]byte(h.short), path[len(h.kernel):]...)
			break
		}
	}
	if full == nil {
		full = append(full, path...)
	}
	if name := textOf(r, t.objectValue); len(name) > 0 {
		full = append(append(full, '\\'), name...)
	}
	r.Put(t.target, event.Value{Raw: r.Keep(full)})
}
