// Package pipeline changes Sigma rules to the log that they are used on, with the
// processing pipeline files of pySigma as they are: names of fields, values,
// conditions and log sources, for the rules, fields and values that conditions of
// the pipeline pick.
//
//	p, err := pipeline.Load(files...)
//	set := sigma.LoadWith(p.Apply, dirs...)
//
// A pipeline is read whole or refused: a kind of transformation or condition that
// has no meaning here is an error with its line. Postprocessing and finalizers
// shape the text of queries, which are not made here; they are left out, and
// [Pipeline.Ignored] says so.
//
// It must never import the engine or anything above rules.
package pipeline
