package index

import (
	"encoding/base64"
	"encoding/json"
	"strings"

	"github.com/rampart-sec/rampart/internal/base/arm"
)

const (
	defaultLimit = 100
	maxLimit     = 1000
	maxCursor    = 4096 // bytes
)

// cursor is the position after the last row of a page: the order it was made
// under and the row's key in that order. It is opaque to clients and holds
// nothing that they may not see.
type cursor struct {
	List string `json:"l"` // recommendations, assessments, inventory
	Sort string `json:"s"`
	Desc bool   `json:"d,omitempty"`
	Key  uint64 `json:"k,omitempty"` // primary key of the order
	Rec  string `json:"r,omitempty"` // recommendation id
	// At and Handle are the resource.
	At     string `json:"a,omitempty"`
	Handle uint32 `json:"h,omitempty"`
}

func (c cursor) encode() string {
	b, err := json.Marshal(c)
	if err != nil {
		return "" // strings, numbers and booleans always encode
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// readCursor decodes a cursor and checks that it belongs to the same list and
// order. "" is the beginning: ok is false.
func readCursor(text, list, sort string, desc bool) (c cursor, ok bool, err error) {
	if text == "" {
		return c, false, nil
	}
	invalid := arm.Invalid("The page's cursor does not belong to this query; ask for the first page again.")
	if len(text) > maxCursor {
		return c, false, invalid
	}
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || json.Unmarshal(b, &c) != nil || c.List != list || c.Sort != sort || c.Desc != desc {
		return c, false, invalid
	}
	return c, true, nil
}

// readSort checks a sort against the ones that a query knows; the first is the
// default.
func readSort(sort string, known ...string) (string, error) {
	if sort == "" {
		return known[0], nil
	}
	for _, k := range known {
		if sort == k {
			return k, nil
		}
	}
	return "", arm.Invalid("Sort by %q is not known; use one of %s.", sort, strings.Join(known, ", "))
}

func readLimit(limit int) int {
	if limit <= 0 {
		return defaultLimit
	}
	return min(limit, maxLimit)
}
