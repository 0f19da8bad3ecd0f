package host

import (
	"slices"
	"strconv"
	"strings"
)

// User is a line of /etc/passwd.
type User struct {
	Name, Home, Shell string
	UID, GID          int
	Password          string // "x" if it is in the shadow file
	Line              int
}

// Group is a line of /etc/group.
type Group struct {
	Name    string
	GID     int
	Members []string
	Line    int
}

// Shadow is a line of /etc/shadow, without the hash: only what kind it is.
type Shadow struct {
	Name string
	// Hash is "none" (an empty password), "locked", or the method: yescrypt,
	// sha512, sha256, bcrypt, md5, des ...
	Hash string
	// Days are -1 where the field is empty. Changed is in days since 1970.
	Changed, MinDays, MaxDays, WarnDays, InactiveDays int
	Line                                              int
}

// HasPassword reports whether the account can sign in by password.
func (s Shadow) HasPassword() bool { return s.Hash != "locked" }

// ParsePasswd reads passwd text as glibc does: a line needs name, password, uid
// and gid, later fields may be missing; NIS lines (+ and -) name nobody here.
func ParsePasswd(data []byte) []User {
	var users []User
	for n, line := range Settings(data, "#+-") {
		f := strings.Split(line, ":")
		if len(f) < 4 {
			continue
		}
		uid, okU := accountNumber(f[2])
		gid, okG := accountNumber(f[3])
		if !okU || !okG {
			continue
		}
		f = append(f, "", "", "")
		users = append(users, User{Name: f[0], Password: f[1], UID: uid, GID: gid, Home: f[5], Shell: f[6], Line: n})
	}
	return users
}

// accountNumber reads an id as strtoul does: blanks and a sign may come first.
func accountNumber(s string) (int, bool) {
	n, err := strconv.ParseUint(strings.TrimPrefix(strings.TrimLeft(s, " \t"), "+"), 10, 32)
	return int(n), err == nil
}

// ParseGroup reads group text as glibc does.
func ParseGroup(data []byte) []Group {
	var groups []Group
	for n, line := range Settings(data, "#+-") {
		f := strings.Split(line, ":")
		if len(f) < 3 {
			continue
		}
		gid, ok := accountNumber(f[2])
		if !ok {
			continue
		}
		f = append(f, "")
		members := strings.FieldsFunc(f[3], func(r rune) bool { return r == ',' || r == ' ' })
		groups = append(groups, Group{Name: f[0], GID: gid, Members: members, Line: n})
	}
	return groups
}

// ParseShadow reads shadow text as glibc does: fields behind the password may
// be missing. The hashes stay here.
func ParseShadow(data []byte) []Shadow {
	var all []Shadow
	for n, line := range Settings(data, "#+-") {
		f := strings.Split(line, ":")
		if len(f) < 2 {
			continue
		}
		f = append(f, "", "", "", "", "")
		all = append(all, Shadow{
			Name: f[0], Hash: hashMethod(f[1]), Line: n,
			Changed: days(f[2]), MinDays: days(f[3]), MaxDays: days(f[4]), WarnDays: days(f[5]), InactiveDays: days(f[6]),
		})
	}
	return all
}

func days(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 {
		return -1
	}
	return n
}

// hashMethod names the method of a password field by its prefix (crypt(5)).
func hashMethod(field string) string {
	switch {
	case field == "":
		return "none"
	case field[0] == '!' || field[0] == '*' || field == "x":
		return "locked"
	case field[0] != '$':
		return "des"
	}
	id, _, _ := strings.Cut(field[1:], "$")
	methods := map[string]string{
		"1": "md5", "5": "sha256", "6": "sha512", "y": "yescrypt", "gy": "gost-yescrypt", "7": "scrypt",
		"2a": "bcrypt", "2b": "bcrypt", "2x": "bcrypt", "2y": "bcrypt", "md5": "md5", "sha1": "sha1",
	}
	if m, ok := methods[id]; ok {
		return m
	}
	return "unknown method"
}

// Users reads /etc/passwd.
func (h *Host) Users() ([]User, error) {
	return memo(h, "passwd", func() ([]User, error) {
		data, err := h.Read("/etc/passwd")
		return ParsePasswd(data), err
	})
}

// Groups reads /etc/group.
func (h *Host) Groups() ([]Group, error) {
	return memo(h, "group", func() ([]Group, error) {
		data, err := h.Read("/etc/group")
		return ParseGroup(data), err
	})
}

// Shadows reads /etc/shadow; only root and the group shadow may.
func (h *Host) Shadows() ([]Shadow, error) {
	return memo(h, "shadow", func() ([]Shadow, error) {
		data, err := h.Read("/etc/shadow")
		return ParseShadow(data), err
	})
}

// People are the accounts that persons use: root, and those from UID_MIN of
// login.defs on that have a shell to sign in with.
func (h *Host) People() ([]User, error) {
	users, err := h.Users()
	if err != nil {
		return nil, err
	}
	least := h.firstPersonalUID()
	var people []User
	for _, u := range users {
		if u.UID == 0 || u.UID >= least && u.UID != 65534 && LoginShell(u.Shell) {
			people = append(people, u)
		}
	}
	return people, nil
}

func (h *Host) firstPersonalUID() int {
	if s, ok, err := h.LoginDefs("UID_MIN"); err == nil && ok {
		if n, err := strconv.Atoi(s.Value); err == nil {
			return n
		}
	}
	return 1000 // shadow's default
}

// LoginShell reports whether a shell lets its user in.
func LoginShell(shell string) bool {
	switch shell[strings.LastIndexByte(shell, '/')+1:] {
	case "nologin", "false", "sync", "shutdown", "halt":
		return false
	}
	return true
}

// GroupName is the name of a gid, the number as text if it has none.
func (h *Host) GroupName(gid int) string {
	names, _ := memo(h, "group names", func() (map[int]string, error) {
		groups, err := h.Groups()
		names := make(map[int]string, len(groups))
		for _, g := range slices.Backward(groups) { // the first of a number counts
			names[g.GID] = g.Name
		}
		return names, err
	})
	if name, ok := names[gid]; ok {
		return name
	}
	return strconv.Itoa(gid)
}

// UserName is the name of a uid, the number as text if it has none.
func (h *Host) UserName(uid int) string {
	names, _ := memo(h, "user names", func() (map[int]string, error) {
		users, err := h.Users()
		names := make(map[int]string, len(users))
		for _, u := range slices.Backward(users) { // the first of a number counts
			names[u.UID] = u.Name
		}
		return names, err
	})
	if name, ok := names[uid]; ok {
		return name
	}
	return strconv.Itoa(uid)
}
