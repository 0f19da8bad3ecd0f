package wire

import "time"

// Paths of the agent listener. All but enrolment and the authority ask for the
// agent's client certificate.
const (
	PathEnroll    = "/agent/v1/enroll"
	PathRenew     = "/agent/v1/renew"
	PathBatch     = "/agent/v1/batches"
	PathHeartbeat = "/agent/v1/heartbeat"
)

// Limits of one request of an agent, in bytes.
const (
	MaxBatchBytes    = 8 << 20  // of a batch as sent
	MaxBatchUnpacked = 64 << 20 // and unpacked
	MaxBatchRecords  = 20_000
)

// Machine is what an agent says of its host.
type Machine struct {
	Name         string `json:"name"`
	MachineID    string `json:"machineId"` // survives a restart of the host
	BootID       string `json:"bootId"`    // does not
	OS           string `json:"os"`        // as GOOS
	Arch         string `json:"arch"`      // as GOARCH
	AgentVersion string `json:"agentVersion"`
}

// EnrollRequest asks for an identity.
type EnrollRequest struct {
	Token   string  `json:"token"`
	CSR     string  `json:"csr"` // PEM, ECDSA P-256; its subject does not matter
	Machine Machine `json:"machine"`
}

// EnrollResponse is the identity. While an operator's approval is awaited it has
// an Agent and Pending alone; the same request then asks again.
type EnrollResponse struct {
	Agent       string    `json:"agent"` // GUID
	Resource    string    `json:"resource,omitempty"`
	Certificate string    `json:"certificate,omitempty"` // PEM
	NotAfter    time.Time `json:"notAfter"`
	Pending     bool      `json:"pending,omitempty"`
}

// RenewRequest asks for the next certificate, with a new key.
type RenewRequest struct {
	CSR     string  `json:"csr"`
	Machine Machine `json:"machine"`
}

// BatchHeader is the first line of a batch; the records follow, one JSON document
// a line, the whole packed with zstd. Lanes are those of the agent's spool.
type BatchHeader struct {
	Epoch string `json:"epoch"` // 16 hex digits
	Lane  string `json:"lane"`
	First uint64 `json:"first"` // sequence of the first record
	Count int    `json:"count"`
	Gap   *Gap   `json:"gap,omitempty"` // then there are no records
}

// Gap stands for records of a lane that are gone, from BatchHeader.First to To.
type Gap struct {
	To     uint64    `json:"to"`
	Reason string    `json:"reason"`
	At     time.Time `json:"at"`
}

// BatchResponse acknowledges a batch: its records are stored.
type BatchResponse struct {
	// ServerBoot changes when the server starts: records acknowledged shortly
	// before may have to be sent again.
	ServerBoot string   `json:"serverBoot"`
	Rejected   []string `json:"rejected,omitempty"` // records that are wrong by themselves, with the reason
}

// Heartbeat is sent once a minute.
type Heartbeat struct {
	Machine  Machine          `json:"machine"`
	Waiting  map[string]Queue `json:"waiting"`  // by lane
	Counters map[string]int64 `json:"counters"` // cumulative since the agent started: lost, dropped, failed
}

// Queue is what waits in a lane.
type Queue struct {
	Records uint64    `json:"records"`
	Bytes   int64     `json:"bytes"`
	Lost    uint64    `json:"lost"`
	Oldest  time.Time `json:"oldest"`
}

// HeartbeatResponse may ask the agent for something.
type HeartbeatResponse struct {
	ServerBoot string `json:"serverBoot"`
	Renew      bool   `json:"renew,omitempty"` // before its time
}
