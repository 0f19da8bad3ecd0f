package web

import (
	"maps"
	"net/http"
	"slices"

	"github.com/rampart-sec/rampart/internal/posture/compliance"
)

// shows are the pages by the pattern of their path.
var shows = map[string]show{
	"/{$}":                     overview,
	"/posture":                 posturePage,
	"/recommendations":         recommendations,
	"/recommendation":          recommendation,
	"/resource":                resource,
	"/inventory":               inventory,
	"/compliance":              standards,
	"/assessments":             assessments,
	"/images":                  images,
	"/compliance/{id}":         standardControls,
	"/compliance/new":          newStandard,
	"/compliance/{id}/edit":    editStandard,
	"/compliance/{id}/control": editControl,
	"/policies":                policies,
	"/alerts":                  alerts,
	"/alert":                   alertDetail,
	"/settings":                settings,
	"/search":                  search,
	"/exempt":                  exemptForm,
	"/assign":                  assignForm,
	"/governance":              governancePage,
	"/disable":                 disableForm,
	"/what-if":                 whatIfForm,
	"/fix-plan":                planOfFixes,
	"/{path...}":               missing,
}

// streams are what is downloaded, by the pattern of the path.
var streams = map[string]streamer{
	"/inventory.csv":                 inventoryCSV,
	"/recommendations.csv":           recommendationsCSV,
	"/assessments.csv":               assessmentsCSV,
	"/compliance/{id}/history.csv":   historyCSV,
	"/compliance/{id}/standard.yaml": standardFile,
	"/compliance/{id}/evidence":      evidence,
	"/compliance/{id}/report.html": download(".html", "text/html; charset=utf-8",
		func(r compliance.Report, w http.ResponseWriter) error { return r.WriteHTML(w) }),
	"/governance.csv": governanceCSV,
	"/compliance/{id}/report.csv": download(".csv", "text/csv; charset=utf-8",
		func(r compliance.Report, w http.ResponseWriter) error { return r.WriteCSV(w) }),
	"/compliance/{id}/report.json": download(".json", "application/json",
		func(r compliance.Report, w http.ResponseWriter) error { return r.WriteJSON(w) }),
}

// Routes are the patterns of everything that can be read, as http.ServeMux has them,
// in order.
func Routes() []string {
	all := slices.AppendSeq(slices.Collect(maps.Keys(shows)), maps.Keys(streams))
	slices.Sort(all)
	return all
}
