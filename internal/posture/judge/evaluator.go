package judge

import (
	"context"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/rampart-sec/rampart/internal/base/wire"
	"github.com/rampart-sec/rampart/internal/posture/policy"
	"github.com/rampart-sec/rampart/internal/posture/policy/engine"
)

// evaluator judges resident resources against assigned policies: the engine,
// or the plain evaluator as its oracle in tests. It is used by one goroutine at
// a time.
type evaluator interface {
	// swap replaces the policies and returns the members that verdicts are
	// numbered by; evaluate then says what changed.
	swap(ctx context.Context, in engine.Input) ([]engine.Member, []engine.Failure, error)
	// expect tells how many documents are about to be loaded.
	expect(n int)
	// load is upsert before anything was evaluated; several goroutines may load at
	// once. The outline need not be known.
	load(handle uint32, doc *wire.Document) (engine.Outline, error)
	// upsert takes a document in, or its new version. The error says that it
	// cannot be judged; it has no verdicts then.
	upsert(handle uint32, doc *wire.Document) error
	remove(handle uint32)
	// deliver makes evaluate re-judge what looks for a type in a subscription,
	// when the type has been delivered there for the first time.
	deliver(subscription, typ string)
	// evaluate brings verdicts up to date as of an instant and returns the rows
	// whose verdicts may have changed, and when time alone may change some
	// (zero: never).
	evaluate(at time.Time) (changed *roaring.Bitmap, next time.Time, err error)
	// swapped is what a swap changed before the last evaluation, nil if there was
	// none, or several. The caller may add to the rows that it leaves out.
	swapped() *policyDelta
	// verdicts appends the verdicts of a row that are not NotApplicable. Several
	// goroutines may read them at once.
	verdicts(handle uint32, into []verdict) []verdict
	// bound is the definition by which a member judges a row, overrides applied.
	bound(handle, member uint32) *policy.Bound
	// reads gives what a member's rule reads of a row. Several goroutines may
	// ask at once.
	reads(handle, member uint32, visit func(*policy.Reading))
}
