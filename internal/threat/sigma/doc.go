// Package sigma reads detection rules in the Sigma format (specification 2.1)
// and matches events with them.
//
// # From files to matches
//
// [Load] reads folders of rules, correlations and filters; what cannot be
// evaluated is refused with file, line and reason, never half evaluated.
// [Compile] makes one engine of many rules:
//
//	set := sigma.Load(dirs...)                 // set.Failed says what was refused
//	engine := sigma.Compile(set.Rules)
//	dec := source.New(reader, engine.Schema()) // decoders fill what rules read
//	m := engine.Matcher()                      // one for each goroutine
//	for dec.Next(&rec) == nil {
//		for _, rule := range m.Match(&rec) { ... m.Fields(rule, &rec) ... }
//	}
//
// # How the engine is fast
//
// Rules are found by the log source of the record. Each rule has witnesses: a few
// literals of which at least one must stand in the record if the rule matches. An
// index over the values of a field names the rules whose witness is there; only
// those are evaluated, and a predicate that several rules share is evaluated
// once. A record that nothing matches costs no allocation.
//
// # Semantics
//
// Strings match the whole value in any case, with * and ? as wildcards; regular
// expressions are RE2, case-sensitive and unanchored. A field with several values
// matches if one of them does. null matches an absent field. "1 of" a pattern
// that fits no selection is false. [Rule.Evaluate] is the slow interpreter that
// says the same, and the oracle of the tests.
//
// The package may import event and must never import what correlates or alerts.
package sigma
