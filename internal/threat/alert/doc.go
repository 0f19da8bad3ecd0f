// Package alert is what an analyst works with: security alerts, the incidents
// that join them, their status and comments, and the rules that suppress them.
//
// Detection raises a [Finding]; [Book.Raise] turns it into a new [Alert], or into
// a repeat of one that is open, weighs it by what is known of the resource,
// suppresses it where a rule says so, and joins it with others to an incident.
// All of this is a function of the findings and of what is stored: times come
// from events, ids are hashes, the clock is asked only for what people do.
//
// It may import the base area and must never import detection, which raises
// alerts, nor posture: what is known of a resource comes through [Context].
package alert
