package web

import (
	"io"
	"net/http"
	"strings"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/compliance"
)

// attest writes a person's word on a control, with the file that proves it.
func attest(v *visit) (string, error) {
	std, number, err := v.attested()
	if err != nil {
		return "", err
	}
	a := compliance.Attestation{Standard: std.ID, Control: number, State: compliance.State(v.PostForm.Get("state")), Comment: strings.TrimSpace(v.PostForm.Get("comment"))}
	if a.Expires, err = v.expiry(v.PostForm.Get("expires")); err != nil {
		return "", err
	}
	file, err := v.file("evidence")
	if err != nil {
		return "", err
	}
	err = v.server.opt.Compliance.Attest(v.Context(), v.complianceWrite(), v.scope.ID, a, file)
	return v.To("/compliance/" + std.ID), err
}

// withdraw takes an attestation back, and its evidence with it.
func withdraw(v *visit) (string, error) {
	std, number, err := v.attested()
	if err != nil {
		return "", err
	}
	err = v.server.opt.Compliance.Withdraw(v.Context(), v.complianceWrite(), compliance.AttestationID(v.scope.ID, std.ID, number))
	return v.To("/compliance/" + std.ID), err
}

// attested is the control that a form is about, if the reader may attest it in
// the scope.
func (v *visit) attested() (std *compliance.Standard, number string, err error) {
	if std, err = v.standard(v.PathValue("id")); err != nil {
		return nil, "", err
	}
	if err := v.who.Allow(actionAttest, v.scope.ID); err != nil {
		return nil, "", err
	}
	if !v.view.Holds(v.scope.ID) || !std.Applies(v.view, v.scope) || v.scope.Tag != "" {
		return nil, "", arm.Invalid("%s does not apply to %q.", std.Title, clip(v.scope.ID, 200))
	}
	c := std.Control(v.PostForm.Get("control"))
	if c == nil {
		return nil, "", arm.NotFound(clip(v.PostForm.Get("control"), 40))
	}
	return std, c.Number, nil
}

// complianceWrite is who writes, over the state that the form was made of.
func (v *visit) complianceWrite() compliance.Write {
	return compliance.Write{Tenant: v.tenant, By: v.who.Name, IfMatch: v.PostForm.Get("etag")}
}

// file reads an uploaded file, nil if none was chosen. The upload is bounded
// before it is read.
func (v *visit) file(field string) (*compliance.File, error) {
	if v.MultipartForm == nil || len(v.MultipartForm.File[field]) == 0 {
		return nil, nil
	}
	header := v.MultipartForm.File[field][0]
	if header.Filename == "" {
		return nil, nil
	}
	f, err := header.Open()
	if err != nil {
		return nil, arm.Invalid("The file could not be read: %v.", err)
	}
	defer f.Close()
	data, err := io.ReadAll(f)
	if err != nil {
		return nil, arm.Invalid("The file could not be read: %v.", err)
	}
	return &compliance.File{Name: header.Filename, Data: data}, nil
}

// evidence hands out the file of an attestation. A browser saves it and never
// shows it in place.
func evidence(v *visit, w http.ResponseWriter) error {
	if err := v.allowScope(); err != nil {
		return err
	}
	std, err := v.standard(v.PathValue("id"))
	if err != nil {
		return err
	}
	e, data, err := v.server.opt.Compliance.Evidence(v.Context(), v.tenant, compliance.AttestationID(v.scope.ID, std.ID, v.Get("control")))
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", e.Type)
	w.Header().Set("Content-Disposition", attachment(e.Name))
	w.Header().Set("Content-Security-Policy", "sandbox; default-src 'none'")
	_, err = w.Write(data)
	return err
}
