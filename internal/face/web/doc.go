// Package web is the dashboard: server-rendered pages over the posture index,
// readable without script and live with it.
//
// A page is one function that reads the estate's current view into a page
// struct, and one template that shows it. Every number links to the list it
// counts; every filter lives in the address. Foreign data reaches a page only
// through html/template's escaping.
//
// It must never import app, the other face (api) or an engine below posture;
// what it writes goes through the small interfaces declared here.
package web
