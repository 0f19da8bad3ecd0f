package exposure

import (
	"encoding/json"
	"strings"
)

// needs are the paths of each type's body without which nothing can be said of
// what it decides. A path that is there and null was not delivered either, as in
// the lists of clients that leave properties out. What a type may leave out and
// still mean "none" is only missing if the source says so.
var needs = map[string]struct{ always, declared []string }{
	typeVM:        {always: []string{"properties.networkProfile.networkInterfaces"}},
	typeInterface: {always: []string{"properties.ipConfigurations"}, declared: []string{"properties.networkSecurityGroup"}},
	typeGroup:     {always: []string{"properties"}, declared: []string{"properties.securityRules"}},
	typeBalancer:  {always: []string{"properties.frontendIPConfigurations"}, declared: []string{"properties.loadBalancingRules", "properties.inboundNatRules"}},
}

// undelivered names the first path that a document of a type should have and that
// its source did not deliver; "" if it has all.
func undelivered(typ string, body []byte, unavailable []string) string {
	n := needs[typ]
	for _, path := range n.always {
		if missing := absent(body, path); missing != "" {
			return missing
		}
	}
	for _, path := range append(n.always[:len(n.always):len(n.always)], n.declared...) {
		for _, u := range unavailable {
			u, _, _ = strings.Cut(u, " ")
			if leadsTo(u, path) || leadsTo(path, u) {
				return path
			}
		}
	}
	return ""
}

// leadsTo reports whether a path is another one or leads to it.
func leadsTo(path, other string) bool {
	rest, ok := cutFold(other, path)
	return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
}

func cutFold(s, prefix string) (string, bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return s, false
	}
	return s[len(prefix):], true
}

// absent gives the part of a path up to the first name that is not there or null.
func absent(body []byte, path string) string {
	names := strings.Split(path, ".")
	for i, name := range names {
		var members map[string]json.RawMessage
		if json.Unmarshal(body, &members) != nil {
			return strings.Join(names[:i+1], ".")
		}
		body = nil
		for k, v := range members {
			if strings.EqualFold(k, name) {
				body = v
			}
		}
		if body == nil || string(body) == "null" {
			return strings.Join(names[:i+1], ".")
		}
	}
	return ""
}
