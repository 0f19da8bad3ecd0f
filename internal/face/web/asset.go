package web

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
)

// embedded holds the style sheet and our own script, and, when make build has
// bundled them from npm, the third-party scripts in assets/vendor.
//
//go:embed assets
var embedded embed.FS

// The scripts of live pages, in the order in which they load.
var liveScripts = []string{"vendor/htmx.min.js", "vendor/sse.min.js", "rampart.js"}

// assets serves files below names that hold a hash of their bytes, so that a
// browser may keep them for ever.
type assets struct {
	names map[string]string // "rampart.css" -> "/assets/1f3a9c/rampart.css"
	files map[string][]byte // "/assets/1f3a9c/rampart.css" -> bytes
}

func loadAssets(files fs.FS) (*assets, error) {
	a := &assets{names: map[string]string{}, files: map[string][]byte{}}
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(d.Name(), ".") {
			return err
		}
		data, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(data)
		url := "/assets/" + hex.EncodeToString(sum[:6]) + "/" + name
		a.names[name], a.files[url] = url, data
		return nil
	})
	return a, err
}

// live reports whether every script of live pages was bundled.
func (a *assets) live() bool {
	for _, name := range liveScripts {
		if a.names[name] == "" {
			return false
		}
	}
	return true
}

func (a *assets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	data, ok := a.files[r.URL.Path]
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", mime.TypeByExtension(path.Ext(r.URL.Path)))
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	_, _ = w.Write(data) // a client that went away is no error of ours
}
