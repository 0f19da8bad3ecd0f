package advisory

import (
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/rampart-sec/rampart/internal/vuln/advisory/file"
)

// Live gives the newest advisories of a folder to a process that runs on while
// they are renewed. It is for many goroutines.
type Live struct {
	dir string

	mu  sync.Mutex
	now *lease
}

// lease is an open database that is closed when nobody uses it any more.
type lease struct {
	db    *DB
	users int
	old   bool
}

// NewLive watches over the advisories of a folder; they are opened when somebody
// asks for them, so the folder may still be empty.
func NewLive(dir string) *Live { return &Live{dir: dir} }

// Acquire gives the advisories; release must be called once they are not used any
// more. The error is of the kind ErrNone while there are none.
func (l *Live) Acquire() (db *DB, release func(), err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.now == nil {
		opened, err := Open(l.dir)
		if err != nil {
			return nil, nil, err
		}
		l.now = &lease{db: opened}
	}
	held := l.now
	held.users++
	return held.db, sync.OnceFunc(func() { l.release(held) }), nil
}

func (l *Live) release(held *lease) {
	l.mu.Lock()
	defer l.mu.Unlock()
	held.users--
	if held.old && held.users == 0 {
		_ = held.db.Close()
	}
}

// Reload makes the next Acquire open what the folder has now. Those who use the
// advisories of before keep them until they release them.
func (l *Live) Reload() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	opened, err := Open(l.dir)
	if err != nil && !errors.Is(err, ErrNone) {
		return err
	}
	if held := l.now; held != nil {
		held.old = true
		if held.users == 0 {
			_ = held.db.Close()
		}
	}
	l.now = nil
	if err == nil {
		l.now = &lease{db: opened}
	}
	return nil
}

// Change is what a renewal of advisories changed.
type Change struct {
	Packages []PackageKey // that advisories say something else of, sorted
	All      bool         // anything may have changed: other feeds or releases, or nobody can tell
}

// Renew reloads, and says what has changed by it.
func (l *Live) Renew() (Change, error) {
	old, releaseOld, err := l.Acquire()
	if err != nil && !errors.Is(err, ErrNone) {
		return Change{All: true}, l.Reload()
	}
	if err == nil {
		defer releaseOld()
	}
	if err := l.Reload(); err != nil {
		return Change{}, err
	}
	db, release, err := l.Acquire()
	if err != nil {
		return Change{All: true}, err
	}
	defer release()
	keys, known, err := db.ChangedSince(old)
	return Change{Packages: keys, All: !known}, err
}

// ChangedSince lists the packages of which the database says something else than
// an older one, sorted. known is false if anything may have changed: one of them is
// an export that is read in place, or they cover other ecosystems or releases.
func (db *DB) ChangedSince(old *DB) (keys []PackageKey, known bool, err error) {
	if db.database == nil || old == nil || old.database == nil || !sameCover(db.database.meta.Feeds, old.database.meta.Feeds) {
		return nil, false, nil
	}
	list, err := file.Changes(old.database.Reader, db.database.Reader)
	for _, k := range list {
		base, name, _ := strings.Cut(k, "\x00")
		keys = append(keys, PackageKey{base, name})
	}
	return keys, err == nil, err
}

func sameCover(a, b []Feed) bool {
	return slices.EqualFunc(a, b, func(x, y Feed) bool { return x.Name == y.Name && slices.Equal(x.Releases, y.Releases) })
}
