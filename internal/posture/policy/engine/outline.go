package engine

// Outline says where the members of a document's body lie that are read beside
// policies, as decoding came past them: raw values, slices of the body, nil for
// what is missing. Keys compare as they are written, case and escapes included;
// of keys that are the same the last counts.
type Outline struct {
	Known                      bool // else nothing is said
	Location, Tags, Properties []byte
}

// Note takes in a member of the body; members come in order.
func (o *Outline) Note(key, value []byte) {
	switch string(key) {
	case "location":
		o.Location = value
	case "tags":
		o.Tags = value
	case "properties":
		o.Properties = value
	}
}
