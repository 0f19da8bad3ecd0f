package scanner

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/vuln/image/registry"
)

// follow lists a registry at once and then every so often: what notifications
// missed is found, and what is gone leaves.
func (s *Scanner) follow(ctx context.Context, c *connected) {
	for ctx.Err() == nil {
		err := s.list(ctx, c)
		if ctx.Err() != nil {
			return
		}
		wait := c.listedNow(err, s.o.Now())
		if err != nil {
			s.o.Log.Warn("a registry could not be listed", "registry", c.Name, "reason", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
}

// listedNow notes how a listing ended and says when the next is.
func (c *connected) listedNow(err error, now time.Time) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err == nil {
		c.listed, c.problem, c.problems = now, "", 0
		return c.Every
	}
	c.problem = err.Error()
	c.problems++
	return min(backOff(c.problems-1), c.Every)
}

// list takes in the newest tags of every repository. One that fails does not
// stop the others; their errors are one.
func (s *Scanner) list(ctx context.Context, c *connected) error {
	repositories := c.Repositories
	if len(repositories) == 0 {
		var err error
		if repositories, err = c.client.Repositories(ctx); err != nil {
			return err
		}
	}
	seen := map[string]bool{}
	var errs []error
	for _, repository := range repositories {
		if err := s.listRepository(ctx, c, repository, seen); err != nil && !registry.Gone(err) {
			if errs = append(errs, err); len(errs) >= 10 {
				return errors.Join(errs...)
			}
		}
	}
	return errors.Join(append(errs, s.dropGone(ctx, c, seen))...)
}

func (s *Scanner) listRepository(ctx context.Context, c *connected, repository string, seen map[string]bool) error {
	tags, err := c.client.Tags(ctx, repository)
	if err != nil {
		return err
	}
	for _, tag := range newest(tags, c.Newest) {
		found, err := c.client.Resolve(ctx, repository, tag)
		if errors.Is(err, registry.ErrArtifact) || registry.Gone(err) {
			continue
		}
		if err != nil {
			return err
		}
		for _, f := range found {
			seen[f.Digest] = true
		}
		if err := s.take(ctx, c, repository+":"+tag, found); err != nil {
			return err
		}
	}
	return nil
}

// dropGone asks for every image that no listed tag has, and forgets those that
// the registry does not have any more.
func (s *Scanner) dropGone(ctx context.Context, c *connected, seen map[string]bool) error {
	return s.each(ctx, c.Name, func(r *store.ImageRow) error {
		if seen[r.Digest] {
			return nil
		}
		for _, n := range r.Names {
			repository := repositoryOf(n)
			if _, err := c.client.Resolve(ctx, repository, r.Digest); registry.Gone(err) {
				if err := s.unname(ctx, c, r.Digest, repository); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// newest gives the n tags that look newest: registries list tags without dates,
// so latest comes first and then the highest numbers.
func newest(tags []string, n int) []string {
	sorted := slices.Clone(tags)
	slices.SortStableFunc(sorted, func(a, b string) int {
		switch {
		case a == b:
			return 0
		case a == "latest":
			return -1
		case b == "latest":
			return 1
		}
		return natural(b, a)
	})
	return sorted[:min(n, len(sorted))]
}

// natural compares texts with their numbers as numbers: 1.10 is above 1.9.
func natural(a, b string) int {
	for a != "" && b != "" {
		an, arest, anum := run(a)
		bn, brest, bnum := run(b)
		if anum && bnum {
			x, _ := strconv.ParseUint(an, 10, 64)
			y, _ := strconv.ParseUint(bn, 10, 64)
			if x != y {
				if x < y {
					return -1
				}
				return 1
			}
		} else if c := strings.Compare(an, bn); c != 0 {
			return c
		}
		a, b = arest, brest
	}
	return len(a) - len(b)
}

// run cuts the digits, or the other characters, off the beginning.
func run(s string) (first, rest string, digits bool) {
	digit := func(c byte) bool { return '0' <= c && c <= '9' }
	digits = digit(s[0])
	i := 1
	for i < len(s) && digit(s[i]) == digits {
		i++
	}
	return s[:i], s[i:], digits
}
