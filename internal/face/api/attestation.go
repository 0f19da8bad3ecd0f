package api

import (
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/compliance"
)

const attestationType = "Microsoft.Security/rampartAttestations"

// attestations lists what people attested for exactly the scope.
func (a *API) attestations(r *request) (response, error) {
	all, err := a.Compliance.Attestations(r.Context(), r.tenant(), r.postureScope())
	if err != nil {
		return response{}, err
	}
	items := []any{}
	for i := range all {
		items = append(items, attestationBody(r.scope, &all[i]))
	}
	return slice(a, r, items)
}

// attestation shows one, whether it has run out or not.
func (a *API) attestation(r *request) (response, error) {
	x, err := a.namedAttestation(r)
	if err != nil {
		return response{}, err
	}
	return response{status: http.StatusOK, body: attestationBody(r.scope, x), etag: x.ETag}, nil
}

func (a *API) namedAttestation(r *request) (*compliance.Attestation, error) {
	standard, control, err := splitAttestation(r.vars["name"])
	if err != nil {
		return nil, err
	}
	all, err := a.Compliance.Attestations(r.Context(), r.tenant(), r.postureScope())
	if err != nil {
		return nil, err
	}
	for i := range all {
		if strings.EqualFold(all[i].Standard, standard) && strings.EqualFold(all[i].Control, control) {
			return &all[i], nil
		}
	}
	return nil, arm.NotFound(r.scope.String() + "/providers/" + attestationType + "/" + r.vars["name"])
}

// attest writes a person's word on a control; the name of the object is that of
// the standard, a tilde, and the control's number.
func (a *API) attest(r *request) (response, error) {
	var body struct {
		Properties struct {
			State   compliance.State `json:"state"`
			Comment string           `json:"comment"`
			Expires time.Time        `json:"expires"`
		} `json:"properties"`
	}
	if err := r.decode(&body); err != nil {
		return response{}, err
	}
	standard, control, err := splitAttestation(r.vars["name"])
	if err != nil {
		return response{}, err
	}
	report, err := a.reportOf(r, standard, r.postureScope())
	if err != nil {
		return response{}, err
	}
	c := report.Standard.Control(control)
	if c == nil {
		return response{}, arm.NotFound(standardID(r.scope, report) + "/regulatoryComplianceControls/" + clip(control))
	}
	p := body.Properties
	x := compliance.Attestation{Standard: report.Standard.ID, Control: c.Number, State: p.State, Comment: p.Comment, Expires: p.Expires}
	if err := a.Compliance.Attest(r.Context(), r.complianceWrite(), a.canonicalScope(r), x, nil); err != nil {
		return response{}, err
	}
	r.vars["name"] = attestationName(&x)
	return a.attestation(r)
}

func splitAttestation(name string) (standard, control string, err error) {
	standard, control, found := strings.Cut(name, "~")
	if control, err = url.PathUnescape(control); !found || err != nil {
		return "", "", invalidAt("name", "%q is not the name of a standard, a tilde and the number of a control.", clip(name))
	}
	return standard, control, nil
}

// complianceWrite is who writes and what the conditional headers demand.
func (r *request) complianceWrite() compliance.Write {
	w := compliance.Write{Tenant: r.tenant(), By: r.principal.Name, IfMatch: ifMatch(r.Header)}
	if strings.TrimSpace(r.Header.Get("If-None-Match")) == "*" {
		w.IfMatch = compliance.Absent
	}
	return w
}

// withdraw removes an attestation with its evidence.
func (a *API) withdraw(r *request) (response, error) {
	x, err := a.namedAttestation(r)
	if isStatus(err, http.StatusNotFound) {
		return noContent()
	}
	if err != nil {
		return response{}, err
	}
	if err := a.Compliance.Withdraw(r.Context(), r.complianceWrite(), compliance.AttestationID(r.scope.String(), x.Standard, x.Control)); err != nil {
		return response{}, err
	}
	return noContent()
}

// evidence hands out the file of an attestation. It is never shown in place.
func (a *API) evidence(r *request) (response, error) {
	x, err := a.namedAttestation(r)
	if err != nil {
		return response{}, err
	}
	e, data, err := a.Compliance.Evidence(r.Context(), r.tenant(), compliance.AttestationID(r.scope.String(), x.Standard, x.Control))
	if err != nil {
		return response{}, err
	}
	return response{status: http.StatusOK, contentType: e.Type, file: e.Name, stream: func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	}}, nil
}

// addEvidence takes the file of an attestation as the body, its name in the
// query.
func (a *API) addEvidence(r *request) (response, error) {
	x, err := a.namedAttestation(r)
	if err != nil {
		return response{}, err
	}
	data, err := io.ReadAll(io.LimitReader(r.Body, compliance.MaxEvidence+1))
	if err != nil {
		return response{}, arm.Invalid("The body could not be read: %v.", err)
	}
	id := compliance.AttestationID(r.scope.String(), x.Standard, x.Control)
	if err := a.Compliance.AddEvidence(r.Context(), r.complianceWrite(), id, compliance.File{Name: r.option("name"), Data: data}); err != nil {
		return response{}, err
	}
	return a.attestation(r)
}

func attestationName(x *compliance.Attestation) string {
	return x.Standard + "~" + url.PathEscape(x.Control)
}

func attestationBody(scope arm.ID, x *compliance.Attestation) map[string]any {
	properties := map[string]any{"standard": x.Standard, "control": x.Control, "state": x.State, "by": x.By, "at": x.At.UTC(), "comment": x.Comment}
	if !x.Expires.IsZero() {
		properties["expires"] = x.Expires.UTC()
	}
	if x.Evidence != nil {
		properties["evidence"] = x.Evidence
	}
	body := resource(strings.TrimSuffix(scope.String(), "/")+"/providers/"+attestationType+"/"+attestationName(x), attestationType, properties)
	body["etag"] = x.ETag
	return body
}

// attachment is the header that makes a browser save a file.
func attachment(name string) string {
	if header := mime.FormatMediaType("attachment", map[string]string{"filename": name}); header != "" {
		return header
	}
	return fmt.Sprintf("attachment; filename=%q", "file")
}
