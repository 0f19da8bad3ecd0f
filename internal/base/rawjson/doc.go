// Package rawjson finds members of valid JSON without decoding it: it skips over
// what nobody asked for. A decoder would cost more than all the rest of reading a
// few facts of a document. What it gives are parts of the text that it was given,
// not copies, and their capacity reaches to the end of that: it tells their place.
//
// It trusts that somebody checked the JSON. Malformed input ends a search early
// or gives a part that is no JSON; it never panics.
//
// It is pure and must never import another room.
package rawjson
