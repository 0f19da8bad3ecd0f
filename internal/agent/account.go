package agent

import (
	"path"
	"slices"

	"github.com/rampart-sec/rampart/internal/agent/host"
)

// account is a user without anything secret.
type account struct {
	Name   string   `json:"name"`
	UID    int      `json:"uid"`
	GID    int      `json:"gid"`
	Home   string   `json:"home"`
	Shell  string   `json:"shell"`
	Login  bool     `json:"login"` // has a shell to sign in with
	Groups []string `json:"groups,omitempty"`
	// Password is "set", "locked", "none" (empty) or "unknown".
	Password string `json:"password"`
	// AuthorizedKeys counts SSH keys; -1 if they may not be read.
	AuthorizedKeys int `json:"authorizedKeys"`
}

func usersFact(h *host.Host) document {
	users, err := h.Users()
	groups, groupErr := h.Groups()
	passwords, shadowErr := passwordStates(h)
	accounts := make([]account, 0, len(users))
	var keysErr error
	for _, u := range users {
		a := account{Name: u.Name, UID: u.UID, GID: u.GID, Home: u.Home, Shell: u.Shell, Login: host.LoginShell(u.Shell), Password: "unknown"}
		if state, ok := passwords[u.Name]; ok {
			a.Password = state
		}
		a.Groups = groupsOf(u.Name, groups)
		if a.Login {
			var unread error
			a.AuthorizedKeys, unread = authorizedKeys(h, u)
			keysErr = firstError(keysErr, unread)
		}
		accounts = append(accounts, a)
	}
	d, _ := listFact("users", accounts, firstError(err, groupErr))
	if shadowErr != nil {
		d.unavailable = append(d.unavailable, "properties.items[*].password "+shadowErr.Error())
	}
	if keysErr != nil {
		d.unavailable = append(d.unavailable, "properties.items[*].authorizedKeys "+keysErr.Error())
	}
	return d
}

func firstError(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

// passwordStates says of each account whether it has a password.
func passwordStates(h *host.Host) (map[string]string, error) {
	shadows, err := h.Shadows()
	states := make(map[string]string, len(shadows))
	for _, s := range shadows {
		states[s.Name] = "set"
		if s.Hash == "none" || s.Hash == "locked" {
			states[s.Name] = s.Hash
		}
	}
	return states, err
}

// groupsOf are the groups that list a user as a member.
func groupsOf(user string, groups []host.Group) []string {
	var names []string
	for _, g := range groups {
		if slices.Contains(g.Members, user) {
			names = append(names, g.Name)
		}
	}
	return names
}

// authorizedKeys counts the keys that open an account, none if there is no
// file, -1 with the error if it may not be read.
func authorizedKeys(h *host.Host, u host.User) (int, error) {
	data, err := h.Read(path.Join(u.Home, ".ssh/authorized_keys"))
	if host.Absent(err) {
		return 0, nil
	}
	if err != nil {
		return -1, err
	}
	n := 0
	for range host.Settings(data, "#") {
		n++
	}
	return n, nil
}
