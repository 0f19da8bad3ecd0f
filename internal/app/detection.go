package app

import (
	"log/slog"
	"os"
	"path/filepath"

	"github.com/rampart-sec/rampart/content/detections"
	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/posture/judge"
	"github.com/rampart-sec/rampart/internal/threat/alert"
	"github.com/rampart-sec/rampart/internal/threat/detect"
	"github.com/rampart-sec/rampart/internal/threat/sigma"
)

// rulesFolder is where users put Sigma rules of their own, below the data folder.
const rulesFolder = "rules"

// detectionProgram reads the rules that a server runs: those of the product and
// the user's. What is refused is logged
// and the others run.
func detectionProgram(data string, log *slog.Logger) *detect.Program {
	set := sigma.LoadFS(detections.FS)
	if dir := filepath.Join(data, rulesFolder); folderExists(dir) {
		set.Join(sigma.Load(dir))
	}
	p := detect.NewForAlerts(set)
	for _, f := range p.Failed() {
		log.Warn("a detection rule is refused", "file", f.File, "line", f.Line, "reason", f.Reason)
	}
	return p
}

func folderExists(dir string) bool {
	info, err := os.Stat(dir)
	return err == nil && info.IsDir()
}

// aboutResource tells alerts what posture knows of a resource.
func aboutResource(j *judge.Judge) func(tenant, resource string) alert.Context {
	return func(tenant, resource string) alert.Context {
		estate := j.Estate(tenant)
		if estate == nil || resource == "" {
			return alert.Context{}
		}
		_, known := estate.View().Resource(resource)
		return alert.Context{Known: known}
	}
}

// threatParts keep alerts and raise them.
func threatParts(db *store.DB, j *judge.Judge, p *detect.Program, opt Options) (*alert.Book, *detect.Live) {
	book := alert.NewBook(db, opt.Now, aboutResource(j))
	return book, detect.NewLive(p, book, db, opt.Now)
}
