package agent

import (
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/rampart-sec/rampart/internal/agent/host"
)

// maxWatches bounds the watched directories; beyond it polling must do.
const maxWatches = 4096

// watcher tells that one of a set of files may have changed. Directories are
// watched, not files: editors replace a file rather than write it. A nil
// watcher never tells.
type watcher struct {
	root     string
	debounce time.Duration
	log      *slog.Logger
	notify   *fsnotify.Watcher
	wanted   chan interest
	out      chan struct{}
	done     chan struct{}
	last     interest // of the last call of watch
}

// interest is what matters, by path as seen below the root.
type interest map[string]host.Touch

func newWatcher(root string, debounce time.Duration, log *slog.Logger) (*watcher, error) {
	n, err := fsnotify.NewBufferedWatcher(256)
	if err != nil {
		return nil, err
	}
	w := &watcher{
		root: root, debounce: debounce, log: log, notify: n,
		wanted: make(chan interest), out: make(chan struct{}, 1), done: make(chan struct{}),
	}
	go w.loop()
	return w, nil
}

// close ends the watcher and waits for it.
func (w *watcher) close() {
	if w == nil {
		return
	}
	w.notify.Close()
	<-w.done
}

// changed receives once after changes have calmed down.
func (w *watcher) changed() <-chan struct{} {
	if w == nil {
		return nil
	}
	return w.out
}

// watch replaces what matters by what a collection touched. It reports whether
// something matters now that did not before: the caller must look again,
// because its change may have come before the watch.
func (w *watcher) watch(touched []host.Touch) (more bool) {
	if w == nil {
		return false
	}
	in := interest{}
	watched := map[string]bool{}
	for _, t := range touched {
		w.want(in, watched, t)
		if target := w.target(t.Path); target != "" {
			t.Path = target
			w.want(in, watched, t)
		}
	}
	w.addWatches(watched)
	more = !in.within(w.last)
	w.last = in
	select {
	case w.wanted <- in:
	case <-w.done:
		return false
	}
	return more
}

func (w *watcher) addWatches(watched map[string]bool) {
	for _, real := range w.notify.WatchList() {
		if !watched[real] {
			_ = w.notify.Remove(real) // it may be gone already
		}
	}
	for real := range watched {
		if err := w.notify.Add(real); err != nil {
			w.log.Debug("directory is not watched", "path", real, "error", err)
		}
	}
}

// want notes one path and watches where its changes show: in the directory
// that it lies in, or in the path itself if any entry of it matters.
func (w *watcher) want(in interest, watched map[string]bool, t host.Touch) {
	in.add(t)
	dir := path.Dir(t.Path)
	if t.Listed {
		dir = t.Path
	}
	w.addAncestors(in, watched, dir)
}

// target is where a path leads if it goes through symbolic links, as seen
// below the root; "" if it does not, or leads out of the root.
func (w *watcher) target(p string) string {
	real, err := filepath.EvalSymlinks(filepath.Join(w.root, p))
	if err != nil {
		return ""
	}
	shown := w.below(real)
	if shown == p || strings.HasPrefix(shown, "/..") {
		return ""
	}
	return shown
}

// addAncestors watches the nearest existing directory at or above dir; where
// that is not dir itself, the appearance of what is missing matters too.
func (w *watcher) addAncestors(in interest, watched map[string]bool, dir string) {
	for len(watched) < maxWatches {
		real := filepath.Join(w.root, dir)
		if info, err := os.Stat(real); err == nil && info.IsDir() {
			watched[real] = true
			return
		}
		in.add(host.Touch{Path: dir})
		if dir == "/" {
			return
		}
		dir = path.Dir(dir)
	}
}

// loop filters events and tells once they have calmed down for the debounce
// time, but at the latest ten times that after the first.
func (w *watcher) loop() {
	defer close(w.done)
	var in interest
	var calm, latest <-chan time.Time
	arm := func() {
		calm = time.After(w.debounce)
		if latest == nil {
			latest = time.After(10 * w.debounce)
		}
	}
	for {
		select {
		case in = <-w.wanted:
			continue
		case e, ok := <-w.notify.Events:
			if !ok {
				return
			}
			if in.matters(w.below(e.Name), e.Op) {
				arm()
			}
			continue
		case err, ok := <-w.notify.Errors:
			if !ok {
				return
			}
			w.log.Warn("changes were missed, everything is read again", "error", err)
			arm()
			continue
		case <-calm:
		case <-latest:
		}
		calm, latest = nil, nil
		select {
		case w.out <- struct{}{}:
		default: // one is waiting already
		}
	}
}

// below gives a real path as seen below the root.
func (w *watcher) below(real string) string {
	rel, err := filepath.Rel(w.root, real)
	if err != nil {
		return real
	}
	return path.Join("/", filepath.ToSlash(rel))
}

func (in interest) add(t host.Touch) {
	old := in[t.Path]
	t.Read, t.Listed = t.Read || old.Read, t.Listed || old.Listed
	in[t.Path] = t
}

// within reports whether everything that matters to in matters to old too.
func (in interest) within(old interest) bool {
	for p, t := range in {
		o, ok := old[p]
		if !ok || t.Read && !o.Read || t.Listed && !o.Listed {
			return false
		}
	}
	return true
}

// matters says whether an event can change a fact. Writing to a file of which
// only owner and permissions matter, such as a log, cannot.
func (in interest) matters(p string, op fsnotify.Op) bool {
	if in[path.Dir(p)].Listed {
		return true
	}
	t, ok := in[p]
	return ok && (t.Read || t.Listed || op&^fsnotify.Write != 0)
}
