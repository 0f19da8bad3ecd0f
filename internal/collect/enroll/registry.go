package enroll

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/google/uuid"

	"github.com/rampart-sec/rampart/internal/base/access/certs"
	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/inventory"
	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/base/wire"
)

const agentKind = "agent"

// machineType is the resource type of a server outside the clouds.
const machineType = "Microsoft.HybridCompute/machines"

// DefaultLifetime is that of an agent's certificate.
const DefaultLifetime = 14 * 24 * time.Hour

// Status is where an agent stands.
type Status string

// The statuses. Only an active agent may send anything.
const (
	Pending     Status = "pending" // awaits approval
	Active      Status = "active"
	Quarantined Status = "quarantined" // two hosts use its identity
	Revoked     Status = "revoked"
)

// Agent is an enrolled agent.
type Agent struct {
	ID       string            `json:"id"` // GUID
	Resource string            `json:"resource"`
	Group    string            `json:"group"`
	Tags     map[string]string `json:"tags,omitempty"`
	Machine  wire.Machine      `json:"machine"`
	Token    string            `json:"token"` // id of the token that let it in
	Status   Status            `json:"status"`
	Reason   string            `json:"reason,omitempty"` // of a status that is not active
	Serial   string            `json:"serial,omitempty"` // of its certificate
	Next     string            `json:"next,omitempty"`   // of one that it has not used yet
	NotAfter time.Time         `json:"notAfter"`
	Enrolled time.Time         `json:"enrolled"`
	KeyHash  string            `json:"keyHash"` // of the key it enrolled with
	Seen     time.Time         `json:"seen"`    // last heartbeat that was stored
	Beat     *wire.Heartbeat   `json:"beat,omitempty"`
}

// Options wire a Registry.
type Options struct {
	Store     *store.DB
	Inventory *inventory.Inventory
	Authority *certs.Authority
	Now       func() time.Time
	Log       *slog.Logger
	Lifetime  time.Duration // of certificates; 0 is DefaultLifetime, at least 7 and at most 30 days otherwise
}

// Registry knows tokens and agents. It is safe for concurrent use.
type Registry struct {
	store     *store.DB
	inventory *inventory.Inventory
	authority *certs.Authority
	now       func() time.Time
	log       *slog.Logger
	lifetime  time.Duration

	mu    sync.Mutex
	cache map[string]cached // active agents by id, so that a request reads no store
	beats map[string]beat   // heartbeats that are not stored yet
}

type cached struct {
	tenant string
	agent  *Agent
	until  time.Time
}

type beat struct {
	tenant string
	at     time.Time
	beat   wire.Heartbeat
}

// cacheFor is how long a revocation on another node may take to be noticed.
const cacheFor = 30 * time.Second

// New gives a registry over a store.
func New(o Options) (*Registry, error) {
	if o.Lifetime == 0 {
		o.Lifetime = DefaultLifetime
	}
	if o.Lifetime < 7*24*time.Hour || o.Lifetime > 30*24*time.Hour {
		return nil, fmt.Errorf("certificates of agents live from 7 to 30 days, not %s", o.Lifetime)
	}
	return &Registry{store: o.Store, inventory: o.Inventory, authority: o.Authority, now: o.Now, log: o.Log, lifetime: o.Lifetime,
		cache: map[string]cached{}, beats: map[string]beat{}}, nil
}

// Enroll lets a host in. The same host that asks again with the same key (its
// answer got lost, or it awaits approval) does not use the token again.
func (r *Registry) Enroll(ctx context.Context, tenant string, q wire.EnrollRequest) (resp wire.EnrollResponse, err error) {
	if err := checkMachine(q.Machine); err != nil {
		return resp, err
	}
	keyHash, err := hashOfKey(q.CSR)
	if err != nil {
		return resp, err
	}
	var fresh *Agent
	err = r.store.Update(ctx, func(tx *store.Tx) error {
		t, err := r.findToken(ctx, tx, tenant, q.Token)
		if err != nil {
			return err
		}
		// The same token, machine and key are the same request, however often it comes.
		id := uuid.NewSHA1(uuid.MustParse(t.ID), []byte(q.Machine.MachineID+" "+keyHash)).String()
		if fresh, err = readOne[Agent](ctx, tx, tenant, agentKind, id); !arm.IsNotFound(err) {
			return err
		}
		if why := t.usable(r.now()); why != "" {
			return &arm.Error{Status: 403, Code: "EnrolmentTokenNotUsable", Message: "The enrolment token cannot be used: " + why + "."}
		}
		t.Uses--
		if err := putJSON(ctx, tx, tenant, tokenKind, t.ID, t, "enrolment"); err != nil {
			return err
		}
		fresh = &Agent{ID: id, Group: t.Group, Tags: t.Tags, Machine: q.Machine, Token: t.ID, Status: Active, Enrolled: r.now().UTC(), KeyHash: keyHash}
		if t.Approve {
			fresh.Status, fresh.Reason = Pending, "an operator must approve it"
		}
		if err := putJSON(ctx, tx, tenant, agentKind, fresh.ID, fresh, "enrolment"); err != nil {
			return err
		}
		return tx.AppendAudit(ctx, store.AuditRow{Tenant: tenant, Actor: "enrolment token " + t.ID, Action: "agent enrolled", Target: fresh.ID, Outcome: string(fresh.Status)})
	})
	if err != nil {
		return resp, err
	}
	if fresh.Status == Pending {
		return wire.EnrollResponse{Agent: fresh.ID, Pending: true}, nil
	}
	return r.certify(ctx, tenant, fresh.ID, q.CSR)
}

// hashOfKey names the public key of a certificate request.
func hashOfKey(csr string) (string, error) {
	block, _ := pem.Decode([]byte(csr))
	if block == nil {
		return "", arm.Invalid("enrolment: the certificate request is no PEM")
	}
	q, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		return "", arm.Invalid("enrolment: the certificate request cannot be read: %s", err)
	}
	return hashOf(string(q.RawSubjectPublicKeyInfo)), nil
}

// checkMachine refuses names that could not be part of an id or of a page.
func checkMachine(m wire.Machine) error {
	bad := func(s string, most int) bool {
		return s == "" || len(s) > most || strings.ContainsFunc(s, func(c rune) bool {
			return c > unicode.MaxASCII || !unicode.IsLetter(c) && !unicode.IsDigit(c) && !strings.ContainsRune("-_.", c)
		})
	}
	if bad(m.Name, 64) || strings.Trim(m.Name, ".") == "" {
		return arm.Invalid("enrolment: machine name %.80q is none: letters, digits, '-', '_' and '.', at most 64", m.Name)
	}
	if bad(m.MachineID, 128) {
		return arm.Invalid("enrolment: machine id %.80q is none", m.MachineID)
	}
	return nil
}

// certify signs a certificate for an active agent and claims its resource.
func (r *Registry) certify(ctx context.Context, tenant, id, csr string) (resp wire.EnrollResponse, err error) {
	certPEM, cert, err := r.authority.Sign(csr, id, r.lifetime)
	if err != nil {
		return resp, arm.Invalid("enrolment: %s", err)
	}
	a, err := r.Agent(ctx, tenant, id)
	if err != nil {
		return resp, err
	}
	resource := a.Resource
	if resource == "" {
		m := inventory.Machine{Group: a.Group, Type: machineType, Name: a.Machine.Name, MachineID: a.Machine.MachineID}
		if resource, err = r.inventory.ClaimMachine(ctx, tenant, m); err != nil {
			return resp, err
		}
	}
	a, err = r.edit(ctx, tenant, id, "", "", func(a *Agent) error {
		if a.Status != Active {
			return denied(fmt.Sprintf("the agent is %s: %s", a.Status, a.Reason))
		}
		a.Resource = resource
		serial := cert.SerialNumber.Text(16)
		if a.Serial == "" {
			a.Serial = serial
		} else {
			a.Next = serial
		}
		a.NotAfter = cert.NotAfter
		return nil
	})
	if err != nil {
		return resp, err
	}
	return wire.EnrollResponse{Agent: id, Resource: a.Resource, Certificate: certPEM, NotAfter: cert.NotAfter}, nil
}

// Renew signs the next certificate of an authenticated agent. Its key must be
// another one.
func (r *Registry) Renew(ctx context.Context, tenant string, a *Agent, q wire.RenewRequest) (wire.EnrollResponse, error) {
	if key, err := hashOfKey(q.CSR); err != nil {
		return wire.EnrollResponse{}, err
	} else if key == a.KeyHash {
		return wire.EnrollResponse{}, arm.Invalid("renewal: the key is the same as at enrolment")
	}
	return r.certify(ctx, tenant, a.ID, q.CSR)
}

// Authenticate finds the agent of a client certificate that the TLS handshake has
// verified. The first use of a renewed certificate ends the one before; the use
// of one that has ended means that the identity was copied.
func (r *Registry) Authenticate(ctx context.Context, tenant string, cert *x509.Certificate) (*Agent, error) {
	id, serial := cert.Subject.CommonName, cert.SerialNumber.Text(16)
	r.mu.Lock()
	c, ok := r.cache[tenant+" "+id]
	r.mu.Unlock()
	if ok && c.agent.Serial == serial && r.now().Before(c.until) {
		return c.agent, nil
	}
	a, err := r.Agent(ctx, tenant, id)
	if arm.IsNotFound(err) {
		return nil, denied("this agent is not known here: enrol it again")
	}
	if err != nil {
		return nil, err
	}
	switch {
	case a.Status != Active:
		return nil, denied(fmt.Sprintf("the agent is %s: %s", a.Status, a.Reason))
	case a.Next == serial:
		if a, err = r.edit(ctx, tenant, id, "", "", func(a *Agent) error {
			if a.Next == serial {
				a.Serial, a.Next = serial, ""
			}
			return nil
		}); err != nil {
			return nil, err
		}
	case a.Serial != serial:
		if _, err := r.Quarantine(ctx, tenant, id, "server", "a certificate was used after its successor: two hosts have this identity"); err != nil {
			return nil, err
		}
		return nil, denied("the certificate was replaced by another one: the agent is quarantined")
	}
	r.mu.Lock()
	r.cache[tenant+" "+id] = cached{tenant, a, r.now().Add(cacheFor)}
	r.mu.Unlock()
	return a, nil
}

func denied(why string) error {
	return &arm.Error{Status: 401, Code: "AgentNotAuthenticated", Message: why}
}

// edit changes an agent in one transaction and audits what is not "".
func (r *Registry) edit(ctx context.Context, tenant, id, by, what string, f func(*Agent) error) (a *Agent, err error) {
	err = r.store.Update(ctx, func(tx *store.Tx) error {
		if a, err = readOne[Agent](ctx, tx, tenant, agentKind, id); err != nil {
			return err
		}
		if err := f(a); err != nil {
			return err
		}
		if err := putJSON(ctx, tx, tenant, agentKind, id, a, by); err != nil || what == "" {
			return err
		}
		return tx.AppendAudit(ctx, store.AuditRow{Tenant: tenant, Actor: by, Action: what, Target: id, Outcome: "done"})
	})
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	delete(r.cache, tenant+" "+id)
	r.mu.Unlock()
	return a, nil
}

// Agent reads one agent; arm.NotFound if there is none.
func (r *Registry) Agent(ctx context.Context, tenant, id string) (a *Agent, err error) {
	err = r.store.View(ctx, func(tx *store.Tx) error {
		a, err = readOne[Agent](ctx, tx, tenant, agentKind, id)
		return err
	})
	return a, err
}

// Quarantine stops an agent until somebody approves it again.
func (r *Registry) Quarantine(ctx context.Context, tenant, id, by, why string) (*Agent, error) {
	r.log.Warn("agent quarantined", "agent", id, "reason", why)
	return r.edit(ctx, tenant, id, by, "agent quarantined", func(a *Agent) error {
		if a.Status != Revoked {
			a.Status, a.Reason = Quarantined, why
		}
		return nil
	})
}

// Revoke ends an agent's identity for good; its machine's documents stay.
func (r *Registry) Revoke(ctx context.Context, tenant, id, by string) (*Agent, error) {
	return r.edit(ctx, tenant, id, by, "agent revoked", func(a *Agent) error {
		a.Status, a.Reason = Revoked, "it was revoked by "+by
		return nil
	})
}

// Approve lets an agent in that awaits it, or that was quarantined.
func (r *Registry) Approve(ctx context.Context, tenant, id, by string) (*Agent, error) {
	return r.edit(ctx, tenant, id, by, "agent approved", func(a *Agent) error {
		if a.Status == Revoked {
			return arm.Invalid("agent %s is revoked: enrol the host again", id)
		}
		a.Status, a.Reason = Active, ""
		return nil
	})
}

// Agents lists the agents of a tenant with the newest heartbeats.
func (r *Registry) Agents(ctx context.Context, tenant string) (agents []*Agent, err error) {
	err = r.store.View(ctx, func(tx *store.Tx) error {
		agents, err = readAll[Agent](ctx, tx, tenant, agentKind)
		return err
	})
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, a := range agents {
		if b, ok := r.beats[tenant+" "+a.ID]; ok {
			a.Seen, a.Beat = b.at, &b.beat
		}
	}
	return agents, err
}

// Heartbeat notes that an agent is alive. It is stored by Run, for many at once.
func (r *Registry) Heartbeat(ctx context.Context, tenant string, a *Agent, h wire.Heartbeat) error {
	if h.Machine.MachineID != a.Machine.MachineID {
		_, err := r.Quarantine(ctx, tenant, a.ID, "server", fmt.Sprintf("machine %.40q uses the identity of machine %.40q", h.Machine.MachineID, a.Machine.MachineID))
		if err == nil {
			err = denied("the machine is another one than was enrolled: the agent is quarantined")
		}
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.beats[tenant+" "+a.ID] = beat{tenant, r.now().UTC(), h}
	return nil
}

// flushEvery is how often heartbeats are stored.
const flushEvery = time.Minute

// Run stores heartbeats until ctx ends, and once more then.
func (r *Registry) Run(ctx context.Context) error {
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
			defer cancel()
			return r.Flush(end)
		case <-tick.C:
			if err := r.Flush(ctx); err != nil && ctx.Err() == nil {
				r.log.Error("store heartbeats", "error", err)
			}
		}
	}
}

// Flush stores the heartbeats that are not stored yet, in one transaction.
func (r *Registry) Flush(ctx context.Context) error {
	r.mu.Lock()
	beats := r.beats
	r.beats = map[string]beat{}
	r.mu.Unlock()
	if len(beats) == 0 {
		return nil
	}
	err := r.store.Update(ctx, func(tx *store.Tx) error {
		for key, b := range beats {
			_, id, _ := strings.Cut(key, " ")
			a, err := readOne[Agent](ctx, tx, b.tenant, agentKind, id)
			if arm.IsNotFound(err) {
				continue
			}
			if err != nil {
				return err
			}
			a.Seen, a.Beat, a.Machine = b.at, &b.beat, b.beat.Machine
			if err := putJSON(ctx, tx, b.tenant, agentKind, id, a, "agent"); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil { // the next flush tries again, unless newer ones came
		r.mu.Lock()
		defer r.mu.Unlock()
		for key, b := range beats {
			if _, newer := r.beats[key]; !newer {
				r.beats[key] = b
			}
		}
	}
	return err
}
