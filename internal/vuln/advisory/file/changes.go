package file

import (
	"hash/maphash"
	"slices"
	"time"

	"github.com/rampart-sec/rampart/internal/vuln/advisory/affected"
)

// Changes lists the keys of packages of which two files say different things,
// sorted. When an advisory was last changed, and in which feed it came, is no
// difference; that one of its vulnerabilities is now known to be exploited is.
func Changes(before, after *Reader) ([]string, error) {
	seed := maphash.MakeSeed()
	sums := map[string]uint64{}
	err := before.eachSum(seed, nil, func(key string, sum uint64) { sums[key] -= sum })
	if err != nil {
		return nil, err
	}
	exploited := map[string]bool{}
	err = after.eachSum(seed, before, func(key string, sum uint64) {
		if sum == 0 {
			exploited[key] = true
			return
		}
		sums[key] += sum
	})
	if err != nil {
		return nil, err
	}
	var keys []string
	for key, sum := range sums {
		if sum != 0 || exploited[key] {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys, nil
}

// eachSum gives a number for each claim, with all that a finding takes from its
// advisory. With another file it also gives 0 for claims of advisories whose
// exploitation that file did not know.
func (r *Reader) eachSum(seed maphash.Seed, other *Reader, fn func(key string, sum uint64)) error {
	sums := make([]uint64, r.Len())
	news := make([]bool, r.Len())
	for i := range sums {
		a, _, err := r.Advisory(i)
		if err != nil {
			return err
		}
		news[i] = other != nil && r.newlyExploited(&a, other)
		a.Modified = time.Time{}
		sums[i] = maphash.Bytes(seed, encodeAdvisory(&a, ""))
	}
	return r.eachClaim(func(key string, ref int, raw string) error {
		if ref >= len(sums) {
			return ErrDamaged
		}
		if news[ref] {
			fn(key, 0)
		}
		fn(key, max(1, (sums[ref]^maphash.String(seed, raw))*0x9e3779b97f4a7c15))
		return nil
	})
}

func (r *Reader) newlyExploited(a *affected.Advisory, other *Reader) bool {
	return slices.ContainsFunc(a.CVEs, func(cve string) bool {
		return !r.Facts(cve).Added.IsZero() && other.Facts(cve).Added.IsZero()
	})
}
