package engine

import (
	"bytes"
	"strings"

	"github.com/rampart-sec/rampart/internal/posture/policy"
)

// pattern is a like or contains on texts, folded beforehand. It handles plain
// ASCII texts without allocating; other texts go to policy.Apply.
type pattern struct {
	contains bool
	// like: the runs of text between stars; one run without star must be the
	// whole text.
	runs  [][]byte
	whole bool
}

// newPattern compiles the constant of like or contains; nil if it has a form
// that is left to policy.Apply.
func newPattern(op policy.Operator, right policy.Value, opt *policy.Options) *pattern {
	text := right.Text()
	if !isASCII([]byte(text)) {
		return nil
	}
	switch {
	case right.Kind != policy.String:
		return nil
	case op == policy.OpContains:
		return &pattern{contains: true, runs: [][]byte{[]byte(policy.FoldText(text))}}
	case op == policy.OpLike && !(opt.LikeQuestionMark && strings.Contains(text, "?")):
		runs := bytes.Split([]byte(policy.FoldText(text)), []byte("*"))
		return &pattern{runs: runs, whole: len(runs) == 1}
	}
	return nil
}

// match tests a folded ASCII text.
func (p *pattern) match(folded []byte) bool {
	if p.contains {
		return bytes.Contains(folded, p.runs[0])
	}
	first, last := p.runs[0], p.runs[len(p.runs)-1]
	if p.whole {
		return bytes.Equal(folded, first)
	}
	if len(folded) < len(first)+len(last) || !bytes.HasPrefix(folded, first) {
		return false
	}
	if !bytes.HasSuffix(folded, last) {
		return false
	}
	folded = folded[len(first) : len(folded)-len(last)]
	for _, run := range p.runs[1 : len(p.runs)-1] {
		i := bytes.Index(folded, run)
		if i < 0 {
			return false
		}
		folded = folded[i+len(run):]
	}
	return true
}
