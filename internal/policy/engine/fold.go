package engine

import "golang.org/x/text/cases"

// foldUnicode appends text folded for comparison without case, the way package
// policy folds values.
func foldUnicode(dst, text []byte) []byte {
	return append(dst, cases.Fold().Bytes(text)...)
}
