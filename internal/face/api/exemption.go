package api

import (
	"net/http"

	"github.com/rampart-sec/rampart/internal/posture/exemption"
)

func (a *API) approvals() *exemption.Approvals {
	return &exemption.Approvals{Store: a.Store, Now: a.Now}
}

// decideExemption approves, rejects or renews an exemption and answers with it.
func decideExemption(verb exemption.Verb) func(*API, *request) (response, error) {
	return func(a *API, r *request) (response, error) {
		stored, err := a.approvals().Decide(r.Context(), r.principal, exemption.Decision{
			Verb: verb, Tenant: r.tenant(), ID: exemptionKind.idOf(a, r), IfMatch: ifMatch(r.Header)})
		if err != nil {
			return response{}, err
		}
		body, err := decodeObject(stored)
		if err != nil {
			return response{}, err
		}
		return response{status: http.StatusOK, body: body, etag: stored.ETag}, nil
	}
}

// exemptionRules shows what the tenant demands of new exemptions.
func (a *API) exemptionRules(r *request) (response, error) {
	rules, err := a.approvals().Rules(r.Context(), r.tenant())
	if err != nil {
		return response{}, err
	}
	return ok(rules)
}

// setExemptionRules replaces them.
func (a *API) setExemptionRules(r *request) (response, error) {
	var rules exemption.Rules
	if err := r.decode(&rules); err != nil {
		return response{}, err
	}
	if err := a.approvals().SetRules(r.Context(), r.principal, r.tenant(), rules); err != nil {
		return response{}, err
	}
	return ok(rules)
}
