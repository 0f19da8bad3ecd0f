package api

import (
	"html/template"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// deviceForm is the page on which a person approves the sign-in of a command
// line elsewhere. It has no script and no style of its own, as the policy of
// the answer demands.
var deviceForm = template.Must(template.New("device").Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Approve a sign-in</title></head>
<body><main><h1>Approve a sign-in</h1>
{{with .}}<p role="status">{{.}}</p>{{end}}
<p>A command line shows a code. Approve it only if you started that sign-in yourself: it will act in your name.</p>
<form method="post"><p><label>Code <input name="user_code" required autocomplete="off" maxlength="20"></label></p>
<p><label>Sign-in link, from <code>rampart admin link</code> <input name="link" required autocomplete="off" maxlength="1000"></label></p>
<p><button>Approve</button></p></form></main></body></html>
`))

// devicePage asks for the code and a sign-in link.
func (a *API) devicePage(*request) (response, error) { return deviceAnswer(http.StatusOK, "") }

// approveDevice uses the link up and lets the device sign in as its user.
func (a *API) approveDevice(r *request) (response, error) {
	form, err := r.form()
	if err != nil {
		return response{}, err
	}
	link := form("link")
	// People paste the whole link.
	if u, err := url.Parse(link); err == nil && u.Query().Get("code") != "" {
		link = u.Query().Get("code")
	}
	err = a.Access.ApproveDevice(r.Context(), strings.TrimSpace(link), form("user_code"))
	if isStatus(err, http.StatusNotFound) {
		return deviceAnswer(http.StatusBadRequest, "The code or the link is wrong, was used before or has expired.")
	}
	if err != nil {
		return response{}, err
	}
	return deviceAnswer(http.StatusOK, "Done. The command line is signed in; you can close this page.")
}

func deviceAnswer(status int, message string) (response, error) {
	return response{status: status, contentType: "text/html; charset=utf-8", stream: func(w io.Writer) error {
		return deviceForm.Execute(w, message)
	}}, nil
}
