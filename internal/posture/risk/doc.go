// Package risk says how dangerous an unhealthy assessment is: by its severity and
// by what a resource's document says of the resource, the factors.
//
// It is pure: documents come in, factors and levels go out. It must never import
// store, posture, a face or app.
package risk
