package baseline

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/rampart-sec/rampart/content/baselines"
	"github.com/rampart-sec/rampart/internal/agent/host"
)

// maxNamed is how many offenders evidence names.
const maxNamed = 5

// named lists offenders, a few by name and the rest by number.
func named(offenders []string) string {
	if len(offenders) <= maxNamed {
		return strings.Join(offenders, ", ")
	}
	return strings.Join(offenders[:maxNamed], ", ") + fmt.Sprintf(" and %d more", len(offenders)-maxNamed)
}

// none passes if there are no offenders.
func none(offenders []string, e Evidence) outcome {
	if len(offenders) == 0 {
		e.Found = "none"
		return pass(e)
	}
	e.Found = named(offenders)
	return fail(e)
}

func (e *evaluator) accountUnique(p *baselines.AccountUnique) outcome {
	pairs, file, err := e.identities(p.Of)
	if err != nil {
		return unknown(err)
	}
	holders := map[string][]string{}
	for _, pair := range pairs {
		holders[pair[0]] = append(holders[pair[0]], pair[1])
	}
	var twice []string
	for key, who := range holders {
		if len(who) > 1 {
			twice = append(twice, key+" ("+strings.Join(who, ", ")+")")
		}
	}
	slices.Sort(twice)
	return none(twice, Evidence{Path: file, Wanted: "each " + p.Of + " once"})
}

// identities gives what must be unique with who has it: names with their ids,
// or ids with their names.
func (e *evaluator) identities(of string) (pairs [][2]string, file string, err error) {
	byID := of == "uid" || of == "gid"
	add := func(name string, id int) {
		pair := [2]string{name, strconv.Itoa(id)}
		if byID {
			pair[0], pair[1] = pair[1], pair[0]
		}
		pairs = append(pairs, pair)
	}
	if of == "user" || of == "uid" {
		users, err := e.h.Users()
		for _, u := range users {
			add(u.Name, u.UID)
		}
		return pairs, "/etc/passwd", err
	}
	groups, err := e.h.Groups()
	for _, g := range groups {
		add(g.Name, g.GID)
	}
	return pairs, "/etc/group", err
}

func (e *evaluator) uidZero(p *baselines.Names) outcome {
	users, err := e.h.Users()
	if err != nil {
		return unknown(err)
	}
	var others []string
	for _, u := range users {
		if u.UID == 0 && !slices.Contains(p.Names, u.Name) {
			others = append(others, u.Name)
		}
	}
	return none(others, Evidence{Path: "/etc/passwd", Wanted: "uid 0 for " + strings.Join(p.Names, ", ") + " only"})
}

func (e *evaluator) systemAccountShell(p *baselines.SystemAccountShell) outcome {
	users, err := e.h.Users()
	people, peopleErr := e.h.People()
	if err = errors.Join(err, peopleErr); err != nil {
		return unknown(err)
	}
	persons := map[string]bool{}
	for _, u := range people {
		persons[u.Name] = true
	}
	var open []string
	for _, u := range users {
		if !persons[u.Name] && !slices.Contains(p.Except, u.Name) && !slices.Contains(p.Shells, u.Shell) {
			open = append(open, u.Name+" ("+u.Shell+")")
		}
	}
	return none(open, Evidence{Path: "/etc/passwd", Wanted: "no log-in shell for system accounts"})
}

// passwordNotEmpty looks at both files: an empty field of the first asks for no
// password, whatever the second says.
func (e *evaluator) passwordNotEmpty() outcome {
	const want = "a password or a lock for every account"
	o := e.shadow(want, func(s host.Shadow) string {
		if s.Hash == "none" {
			return s.Name
		}
		return ""
	})
	if o.state == Fail {
		return o
	}
	users, err := e.h.Users()
	if err != nil {
		return unknown(err)
	}
	var open []string
	for _, u := range users {
		if u.Password == "" {
			open = append(open, u.Name)
		}
	}
	if len(open) > 0 {
		return none(open, Evidence{Path: "/etc/passwd", Wanted: want})
	}
	return o
}

func (e *evaluator) passwordHash(p *baselines.PasswordHash) outcome {
	return e.shadow("hashes by "+strings.Join(p.Allowed, ", "), func(s host.Shadow) string {
		if s.Hash == "none" || s.Hash == "locked" || slices.Contains(p.Allowed, s.Hash) {
			return ""
		}
		return s.Name + " (" + s.Hash + ")"
	})
}

func (e *evaluator) userShadow(p *baselines.UserShadow) outcome {
	return e.shadow(p.Field+" "+wanted(p.Compare), func(s host.Shadow) string {
		days, ok := map[string]int{"minDays": s.MinDays, "maxDays": s.MaxDays, "warnDays": s.WarnDays, "inactiveDays": s.InactiveDays}[p.Field]
		if !s.HasPassword() || ok && days >= 0 && holds(p.Compare, strconv.Itoa(days)) {
			return ""
		}
		if days < 0 {
			return s.Name + " (not set)"
		}
		return s.Name + " (" + strconv.Itoa(days) + ")"
	})
}

// shadow collects the accounts of the shadow file that offend.
func (e *evaluator) shadow(want string, offends func(host.Shadow) string) outcome {
	shadows, err := e.h.Shadows()
	if err != nil {
		return unknown(err)
	}
	var offenders []string
	for _, s := range shadows {
		if name := offends(s); name != "" {
			offenders = append(offenders, name)
		}
	}
	return none(offenders, Evidence{Path: "/etc/shadow", Wanted: want})
}

// homeDirectory checks the homes of people; a home that does not exist is no
// finding.
func (e *evaluator) homeDirectory(p *baselines.HomeDirectory) outcome {
	return e.homes(p.Mode, func(u host.User) []string { return []string{u.Home} })
}

func (e *evaluator) userFiles(p *baselines.UserFiles) outcome {
	return e.homes(p.Mode, func(u host.User) []string {
		files := make([]string, len(p.Names))
		for i, name := range p.Names {
			files[i] = path.Join(u.Home, name)
		}
		return files
	})
}

func (e *evaluator) homes(octal string, files func(host.User) []string) outcome {
	mode, err := strconv.ParseUint(octal, 8, 12)
	if err != nil {
		return unknown(err)
	}
	people, err := e.h.People()
	if err != nil {
		return unknown(err)
	}
	result := inapplicable("there is no such file")
	for _, u := range people {
		for _, name := range files(u) {
			info, err := e.h.Stat(name)
			if host.Absent(err) {
				continue
			}
			if err != nil {
				result = unknown(err)
				continue
			}
			o := e.access(info, access{mode: uint32(mode), owner: []string{u.Name, "root"}})
			if o.state == Fail {
				return o
			}
			if result.state != Unknown {
				result = o
			}
		}
	}
	return result
}
