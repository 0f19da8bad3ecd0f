package compliance

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/posture/index"
)

// evidenceKind is the kind of store objects that hold evidence files, each under
// the id of its attestation: lists of attestations do not read them.
const evidenceKind = "attestationEvidence"

// evidenceBody is the stored form of a file.
type evidenceBody struct {
	Data []byte `json:"data"`
}

// File is an evidence file as it is handed in or out.
type File struct {
	Name string
	Data []byte
}

// Attestations are what people attested for exactly this scope. A tag or a value
// of one has none.
func (c *Records) Attestations(ctx context.Context, tenant string, scope index.Scope) (all []Attestation, err error) {
	if scope.Tag != "" {
		return nil, nil
	}
	err = c.view(ctx, func(tx *store.Tx) error {
		all, err = attestations(ctx, tx, tenant, strings.TrimSuffix(AttestationID(scope.ID, "", ""), "~"))
		return err
	})
	return all, err
}

func attestations(ctx context.Context, tx *store.Tx, tenant, prefix string) ([]Attestation, error) {
	objects, err := tx.Objects(ctx, store.ObjectQuery{Tenant: tenant, Kind: AttestationKind, Prefix: prefix})
	if err != nil {
		return nil, fmt.Errorf("read attestations: %w", err)
	}
	all := make([]Attestation, len(objects))
	for i, o := range objects {
		if err := json.Unmarshal(o.Body, &all[i]); err != nil {
			return nil, fmt.Errorf("decode attestation %s: %w", o.ID, err)
		}
		all[i].ETag = o.ETag
		all[i].scope, _, _ = strings.Cut(arm.Fold(o.ID), arm.Fold(attestationPrefix))
	}
	return all, nil
}

// Attest writes a person's word on a control of a standard for a scope, over
// the one before, whose evidence goes with it. file may be nil.
func (c *Records) Attest(ctx context.Context, w Write, scope string, a Attestation, file *File) error {
	a.By, a.At, a.Evidence = w.By, c.opt.Now().UTC(), nil
	if err := a.Check(a.At); err != nil {
		return err
	}
	if file != nil {
		var err error
		if a.Evidence, err = NewEvidence(file.Name, file.Data); err != nil {
			return err
		}
	}
	id := AttestationID(scope, a.Standard, a.Control)
	body, err := json.Marshal(a)
	if err != nil {
		return fmt.Errorf("encode attestation: %w", err)
	}
	return c.update(ctx, func(tx *store.Tx) error {
		if err := put(ctx, tx, w, store.Object{Kind: AttestationKind, ID: id, Body: body}); err != nil {
			return err
		}
		if file == nil {
			return dropEvidence(ctx, tx, w.Tenant, id)
		}
		return putEvidence(ctx, tx, w, id, file.Data)
	})
}

// AddEvidence puts a file to an attestation that is there, in the place of the
// one before.
func (c *Records) AddEvidence(ctx context.Context, w Write, id string, file File) error {
	evidence, err := NewEvidence(file.Name, file.Data)
	if err != nil {
		return err
	}
	return c.update(ctx, func(tx *store.Tx) error {
		o, err := tx.Object(ctx, w.Tenant, AttestationKind, id)
		if err != nil {
			return err
		}
		var a Attestation
		if err := json.Unmarshal(o.Body, &a); err != nil {
			return fmt.Errorf("decode attestation %s: %w", id, err)
		}
		a.Evidence = evidence
		if o.Body, err = json.Marshal(a); err != nil {
			return fmt.Errorf("encode attestation: %w", err)
		}
		if err := put(ctx, tx, w, *o); err != nil {
			return err
		}
		return putEvidence(ctx, tx, w, id, file.Data)
	})
}

func putEvidence(ctx context.Context, tx *store.Tx, w Write, id string, data []byte) error {
	body, err := json.Marshal(evidenceBody{data})
	if err != nil {
		return fmt.Errorf("encode evidence: %w", err)
	}
	_, err = tx.PutObject(ctx, store.Object{Tenant: w.Tenant, Kind: evidenceKind, ID: id, Body: body, UpdatedBy: w.By}, "")
	return err
}

// dropEvidence removes an attestation's file, if there is one.
func dropEvidence(ctx context.Context, tx *store.Tx, tenant, id string) error {
	err := tx.DeleteObject(ctx, tenant, evidenceKind, id, "")
	if arm.IsNotFound(err) {
		return nil
	}
	return err
}

// Withdraw removes an attestation and its evidence.
func (c *Records) Withdraw(ctx context.Context, w Write, id string) error {
	return c.update(ctx, func(tx *store.Tx) error {
		if err := remove(ctx, tx, w, AttestationKind, id); err != nil {
			return err
		}
		return dropEvidence(ctx, tx, w.Tenant, id)
	})
}

// Evidence reads the file of an attestation; arm.NotFound if there is none. A
// file that is not the one that was handed in is an error.
func (c *Records) Evidence(ctx context.Context, tenant, id string) (Evidence, []byte, error) {
	var a Attestation
	var body evidenceBody
	err := c.view(ctx, func(tx *store.Tx) error {
		for kind, into := range map[string]any{AttestationKind: &a, evidenceKind: &body} {
			o, err := tx.Object(ctx, tenant, kind, id)
			if err != nil {
				return err
			}
			if err := json.Unmarshal(o.Body, into); err != nil {
				return fmt.Errorf("decode %s %s: %w", kind, id, err)
			}
		}
		return nil
	})
	switch {
	case err != nil:
		return Evidence{}, nil, err
	case a.Evidence == nil:
		return Evidence{}, nil, arm.NotFound(id)
	case !a.Evidence.Matches(body.Data):
		return Evidence{}, nil, fmt.Errorf("evidence of %s is not what was handed in", id)
	}
	return *a.Evidence, body.Data, nil
}
