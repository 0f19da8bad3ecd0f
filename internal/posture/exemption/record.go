package exemption

import (
	"maps"
	"time"

	"github.com/rampart-sec/rampart/internal/posture/policy"
)

// Record is properties.metadata.rampart of an exemption. Ticket and
// ReopenOnChange are the client's, and State as far as it asks for approval;
// everything else only the server writes.
type Record struct {
	State          string // policy.ExemptionRequested and so on; "" is in force
	RequestedBy    string
	RequestedByID  string
	RequestedAt    time.Time
	ApprovedBy     string
	ApprovedAt     time.Time
	RejectedBy     string
	RejectedAt     time.Time
	Ticket         string
	ReopenOnChange bool
	BasedAt        string
}

// maxTicket bounds the reference to a ticket, in bytes.
const maxTicket = 200

// serverOwned are the members that clients cannot write.
var serverOwned = []string{"state", "requestedBy", "requestedById", "requestedAt", "approvedBy", "approvedAt", "rejectedBy", "rejectedAt", "basedAt"}

// ReadRecord reads the record out of an exemption's properties; what has
// another shape than expected is left out.
func ReadRecord(properties map[string]any) Record {
	m := block(properties)
	text := func(name string) string { s, _ := m[name].(string); return s }
	at := func(name string) time.Time {
		t, _ := time.Parse(time.RFC3339, text(name)) // the zero time if there is none
		return t
	}
	reopen, _ := m["reopenOnChange"].(bool)
	return Record{
		State: text("state"), Ticket: text("ticket"), ReopenOnChange: reopen, BasedAt: text("basedAt"),
		RequestedBy: text("requestedBy"), RequestedByID: text("requestedById"), RequestedAt: at("requestedAt"),
		ApprovedBy: text("approvedBy"), ApprovedAt: at("approvedAt"),
		RejectedBy: text("rejectedBy"), RejectedAt: at("rejectedAt"),
	}
}

// Waiting reports whether somebody has to approve it.
func (r Record) Waiting() bool { return r.State == policy.ExemptionRequested }

// block is metadata.rampart, nil if there is none.
func block(properties map[string]any) map[string]any {
	metadata, _ := properties["metadata"].(map[string]any)
	own, _ := metadata["rampart"].(map[string]any)
	return own
}

// setBlock writes metadata.rampart, everything else of the metadata kept.
func setBlock(properties, own map[string]any) {
	metadata, _ := properties["metadata"].(map[string]any)
	metadata = maps.Clone(metadata)
	if metadata == nil {
		metadata = map[string]any{}
	}
	if metadata["rampart"] = own; len(own) == 0 {
		delete(metadata, "rampart")
	}
	if properties["metadata"] = metadata; len(metadata) == 0 {
		delete(properties, "metadata")
	}
}
