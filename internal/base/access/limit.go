package access

import (
	"sync"
	"time"

	"github.com/rampart-sec/rampart/internal/base/arm"
)

// Failures that are forgiven within the window before further tries are
// refused until it has passed. Tries are counted by address, never by name
// alone: a stranger must not be able to lock somebody else out.
const (
	maxFailuresOfName   = 10 // of one name from one address
	maxFailuresOfRemote = 50 // of any names from one address
	failureWindow       = 5 * time.Minute
	maxTracked          = 10_000 // counters; beyond it the passed windows are dropped
)

// limiter counts failed sign-ins in fixed windows. It is memory only: a restart
// forgives. The zero limiter is ready and safe for concurrent use.
type limiter struct {
	mu     sync.Mutex
	remote map[string]failures
	named  map[[2]string]failures
}

type failures struct {
	count int
	until time.Time
}

func (f failures) wait(limit int, now time.Time) time.Duration {
	if f.count < limit {
		return 0
	}
	return max(0, f.until.Sub(now))
}

func (f failures) add(now time.Time) failures {
	if !f.until.After(now) {
		f = failures{until: now.Add(failureWindow)}
	}
	f.count++
	return f
}

// wait is how long a name must wait at an address, zero if it may try now.
func (l *limiter) wait(remote, name string, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return max(l.remote[remote].wait(maxFailuresOfRemote, now),
		l.named[[2]string{remote, arm.Fold(name)}].wait(maxFailuresOfName, now))
}

// fail counts a failure.
func (l *limiter) fail(remote, name string, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.remote == nil {
		l.remote, l.named = map[string]failures{}, map[[2]string]failures{}
	}
	drop(l.remote, now)
	drop(l.named, now)
	key := [2]string{remote, arm.Fold(name)}
	l.remote[remote] = l.remote[remote].add(now)
	l.named[key] = l.named[key].add(now)
}

// forgive forgets the failures of a name after a success.
func (l *limiter) forgive(remote, name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.named, [2]string{remote, arm.Fold(name)})
}

// drop makes room in a full map: windows that have passed go, or everything if
// none has. Under a flood of invented names memory stays bounded.
func drop[K comparable](m map[K]failures, now time.Time) {
	if len(m) < maxTracked {
		return
	}
	for key, f := range m {
		if !f.until.After(now) {
			delete(m, key)
		}
	}
	if len(m) >= maxTracked {
		clear(m)
	}
}
