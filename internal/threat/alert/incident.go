package alert

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Incidents are made of alerts that share an entity within a day. They need
// alerts of at least two rules, and either two tactics or enough risk.
const (
	incidentSpan = 24 * time.Hour
	incidentRisk = 100
	maxMembers   = 200
)

// riskOf is what an alert adds to the risk of its entities.
func riskOf(s Severity) int { return [...]int{0, 5, 15, 40, 80}[s] }

// linking are the kinds of entities that join alerts: those that stand for one
// thing wherever they are seen. A process or a file name does not.
var linking = []string{"azure-resource", "host", "account", "ip", "container", "filehash", "cloud-application"}

// links are the keys under which alerts are joined: the resource and entities
// that are no everyday ones.
func (a *Alert) links() []string {
	var keys []string
	if a.Resource != "" {
		keys = append(keys, "azure-resource:"+strings.ToLower(a.Resource))
	}
	for _, e := range a.Entities {
		if slices.Contains(linking, e.Kind) && !everyday(e) {
			keys = append(keys, e.Key())
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// everyday reports whether an entity is seen in the events of every estate, so
// that sharing it means nothing.
func everyday(e Entity) bool {
	switch strings.ToLower(e.Name) {
	case "", "-", "root", "system", "nt authority\\system", "local service", "network service", "nobody", "unknown",
		"127.0.0.1", "::1", "0.0.0.0", "::", "localhost":
		return true
	}
	return false
}

// joinIncident decides what becomes of an alert beside recent ones that share a
// link with it: nil, an incident that exists and takes it in, or a new one.
// recent are open alerts of the last day, without incidents; existing are the
// incidents that they belong to.
func joinIncident(a *Alert, recent []*Alert, existing map[string]*Alert) (incident *Alert, members []*Alert) {
	members = []*Alert{a}
	for _, r := range recent {
		if r.ID != a.ID && r.Sample == a.Sample && shared(a, r) != "" && len(members) < maxMembers {
			members = append(members, r)
		}
	}
	slices.SortFunc(members, func(x, y *Alert) int {
		if c := x.First.Compare(y.First); c != 0 {
			return c
		}
		return strings.Compare(x.ID, y.ID)
	})
	for _, m := range members {
		if in := existing[m.Incident]; m.Incident != "" && in != nil && in.Status.Open() && len(in.Members) < maxMembers {
			return in, members
		}
	}
	risk, rules, intents := weighMembers(members)
	if len(rules) < 2 || len(intents) < 2 && risk < incidentRisk {
		return nil, nil
	}
	return &Alert{ID: digest("incident", a.Tenant, members[0].ID), Tenant: a.Tenant, IsIncident: true, Status: Active, Type: "Incident",
		Rule: Rule{ID: "incident", Title: "Incident"}, Sample: a.Sample}, members
}

// shared names a link that two alerts share, "" if there is none.
func shared(a, b *Alert) string {
	other := b.links()
	for _, k := range a.links() {
		if _, ok := slices.BinarySearch(other, k); ok {
			return k
		}
	}
	return ""
}

func weighMembers(members []*Alert) (risk int, rules map[string]bool, intents []string) {
	rules = map[string]bool{}
	for _, m := range members {
		if !rules[m.Rule.ID] {
			risk += riskOf(m.Severity) // repeats of a rule add nothing
		}
		rules[m.Rule.ID] = true
		for _, t := range m.Tactics {
			if !slices.Contains(intents, t) {
				intents = append(intents, t)
			}
		}
	}
	sortTactics(intents)
	return risk, rules, intents
}

// describe makes an incident say what its members say together.
func (in *Alert) describe(members []*Alert) {
	risk, rules, intents := weighMembers(members)
	in.Risk, in.Tactics, in.Count = risk, intents, len(members)
	in.First, in.Last, in.Severity = members[0].First, members[0].Last, Informational
	in.Members, in.Techniques, in.Entities = nil, nil, nil
	for _, m := range members {
		in.Members = append(in.Members, m.ID)
		in.Severity = max(in.Severity, m.Severity)
		if m.First.Before(in.First) {
			in.First = m.First
		}
		if m.Last.After(in.Last) {
			in.Last = m.Last
		}
		for _, t := range m.Techniques {
			if !slices.Contains(in.Techniques, t) {
				in.Techniques = append(in.Techniques, t)
			}
		}
		in.addEntities(m.Entities)
		if in.Resource == "" {
			in.Resource, in.Subscription = m.Resource, m.Subscription
		}
	}
	if risk >= 2*incidentRisk {
		in.Severity = High
	}
	titles := make([]string, len(intents))
	for i, t := range intents {
		titles[i] = TacticTitle(t)
	}
	in.Title = fmt.Sprintf("%d related alerts on %s", len(members), in.subject(members))
	in.Description = fmt.Sprintf("%d alerts of %d rules within %s.", len(members), len(rules), in.Last.Sub(in.First).Round(time.Second))
	if len(titles) > 0 {
		in.Description += " Along the kill chain: " + strings.Join(titles, ", ") + "."
	}
	in.Reasons = []string{fmt.Sprintf("The alerts add up to a risk of %d; an incident begins at %d, or with two tactics.", risk, incidentRisk)}
	for _, m := range members[1:] {
		if link := shared(members[0], m); link != "" {
			in.Reasons = append(in.Reasons, fmt.Sprintf("%q shares %s with %q.", m.Title, strings.Replace(link, ":", " ", 1), members[0].Title))
		}
	}
	in.groupKey = digest("incident", in.ID)
}

// subject is what most members are about, in a word.
func (in *Alert) subject(members []*Alert) string {
	counts := map[string]int{}
	best := ""
	for _, m := range members {
		for _, k := range m.links() {
			if counts[k]++; counts[k] > counts[best] || counts[k] == counts[best] && k < best {
				best = k
			}
		}
	}
	_, name, _ := strings.Cut(best, ":")
	if strings.HasPrefix(best, "azure-resource:") {
		return name[strings.LastIndexByte(name, '/')+1:]
	}
	return name
}

const maxEntities = 64

func (a *Alert) addEntities(es []Entity) {
	for _, e := range es {
		if len(a.Entities) < maxEntities && !slices.ContainsFunc(a.Entities, func(x Entity) bool { return x.Key() == e.Key() }) {
			a.Entities = append(a.Entities, e)
		}
	}
}
