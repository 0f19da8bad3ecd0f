package host

import (
	"path"
	"strconv"
	"strings"
)

// sshdLists are options of which sshd takes every occurrence.
var sshdLists = map[string]bool{
	"acceptenv": true, "allowgroups": true, "allowusers": true, "denygroups": true, "denyusers": true,
	"hostkey": true, "listenaddress": true, "permitopen": true, "port": true,
}

// sshdAliases are other names of options, by lower case.
var sshdAliases = map[string]string{
	"challengeresponseauthentication": "kbdinteractiveauthentication",
	"skeyauthentication":              "kbdinteractiveauthentication",
	"pubkeyacceptedkeytypes":          "pubkeyacceptedalgorithms",
	"hostbasedacceptedkeytypes":       "hostbasedacceptedalgorithms",
	"keepalive":                       "tcpkeepalive",
	"dsaauthentication":               "pubkeyauthentication",
}

// canonicalSSHD is the present name of an option.
func canonicalSSHD(key string) string {
	if alias, ok := sshdAliases[key]; ok {
		return alias
	}
	return key
}

// normalSSHD writes a value as "sshd -T" shows it.
func normalSSHD(key, value string) string {
	switch {
	case key == "maxstartups" && value != "" && !strings.Contains(value, ":"):
		return value + ":100:" + value // all connections beyond the limit are refused
	case key == "permitrootlogin" && strings.EqualFold(value, "without-password"):
		return "prohibit-password"
	}
	return value
}

// sshdAlgorithms are lists that a leading +, - or ^ changes instead of replaces.
var sshdAlgorithms = map[string]bool{
	"ciphers": true, "macs": true, "kexalgorithms": true, "hostkeyalgorithms": true, "pubkeyacceptedalgorithms": true,
}

// sshdDefaults are sshd's values for options that no file sets, oldest
// supported version first; Since is the OpenSSH version times 100.
var sshdDefaults = map[string][]struct {
	Since int
	Value string
}{
	"allowagentforwarding": {{0, "yes"}},
	"allowtcpforwarding":   {{0, "yes"}},
	"banner":               {{0, "none"}},
	"allowgroups":          {{0, ""}},
	"allowusers":           {{0, ""}},
	"denygroups":           {{0, ""}},
	"denyusers":            {{0, ""}},
	"ciphers": {
		{0, "aes128-ctr,aes192-ctr,aes256-ctr,arcfour256,arcfour128,aes128-cbc,3des-cbc,blowfish-cbc,cast128-cbc,aes192-cbc,aes256-cbc,arcfour"},
		{607, "chacha20-poly1305@openssh.com,aes128-ctr,aes192-ctr,aes256-ctr,aes128-gcm@openssh.com,aes256-gcm@openssh.com"},
	},
	"clientalivecountmax":          {{0, "3"}},
	"clientaliveinterval":          {{0, "0"}},
	"compression":                  {{0, "delayed"}},
	"disableforwarding":            {{704, "no"}},
	"gatewayports":                 {{0, "no"}},
	"gssapiauthentication":         {{0, "no"}},
	"hostbasedauthentication":      {{0, "no"}},
	"ignorerhosts":                 {{0, "yes"}},
	"ignoreuserknownhosts":         {{0, "no"}},
	"kbdinteractiveauthentication": {{0, "yes"}},
	"kerberosauthentication":       {{0, "no"}},
	"kexalgorithms": {
		{0, "curve25519-sha256@libssh.org,ecdh-sha2-nistp256,diffie-hellman-group-exchange-sha256,diffie-hellman-group14-sha1,diffie-hellman-group1-sha1"},
		{700, "curve25519-sha256@libssh.org,ecdh-sha2-nistp256,ecdh-sha2-nistp384,ecdh-sha2-nistp521,diffie-hellman-group-exchange-sha256,diffie-hellman-group14-sha1"},
		{800, "curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256,ecdh-sha2-nistp384,ecdh-sha2-nistp521,diffie-hellman-group-exchange-sha256,diffie-hellman-group16-sha512,diffie-hellman-group18-sha512,diffie-hellman-group14-sha256"},
		{900, "sntrup761x25519-sha512@openssh.com,curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256,ecdh-sha2-nistp384,ecdh-sha2-nistp521,diffie-hellman-group-exchange-sha256,diffie-hellman-group16-sha512,diffie-hellman-group18-sha512,diffie-hellman-group14-sha256"},
	},
	"logingracetime": {{0, "120"}},
	"loglevel":       {{0, "INFO"}},
	"macs": {
		{0, "hmac-md5,hmac-sha1,umac-64@openssh.com,hmac-ripemd160,hmac-sha1-96,hmac-md5-96"},
		{607, "umac-64-etm@openssh.com,umac-128-etm@openssh.com,hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,hmac-sha1-etm@openssh.com,umac-64@openssh.com,umac-128@openssh.com,hmac-sha2-256,hmac-sha2-512,hmac-sha1"},
	},
	"maxauthtries":            {{0, "6"}},
	"maxsessions":             {{0, "10"}},
	"maxstartups":             {{0, "10:30:100"}},
	"passwordauthentication":  {{0, "yes"}},
	"permitemptypasswords":    {{0, "no"}},
	"permitrootlogin":         {{0, "yes"}, {700, "prohibit-password"}},
	"permittunnel":            {{0, "no"}},
	"permituserenvironment":   {{0, "no"}},
	"protocol":                {{0, "2"}},
	"pubkeyauthentication":    {{0, "yes"}},
	"strictmodes":             {{0, "yes"}},
	"syslogfacility":          {{0, "AUTH"}},
	"tcpkeepalive":            {{0, "yes"}},
	"usedns":                  {{0, "yes"}, {608, "no"}},
	"usepam":                  {{0, "no"}},
	"x11forwarding":           {{0, "no"}},
	"exposeauthinfo":          {{0, "no"}},
	"hostbasedusesnamefromip": {{0, "no"}},
}

// sshdDefault is the default of an option in a version; version 0 means not
// known and gets the newest.
func sshdDefault(key string, version int) (string, bool) {
	values := sshdDefaults[key]
	for i := len(values) - 1; i >= 0; i-- {
		if version == 0 || values[i].Since <= version {
			return values[i].Value, true
		}
	}
	return "", false
}

// sshdVersion is the installed OpenSSH version times 100 (9.2 is 902), 0 if it
// is not known.
func (h *Host) sshdVersion() int {
	packages, err := h.Packages()
	if err != nil {
		return 0
	}
	p, ok := packages.Find("openssh-server")
	if !ok {
		p, ok = packages.Find("openssh")
	}
	if !ok {
		return 0
	}
	return parseSSHVersion(p.Version)
}

// parseSSHVersion reads "1:9.2p1-2+deb12u3" as 902.
func parseSSHVersion(v string) int {
	if _, after, ok := strings.Cut(v, ":"); ok {
		v = after
	}
	major, rest, _ := strings.Cut(v, ".")
	end := 0
	for end < len(rest) && rest[end] >= '0' && rest[end] <= '9' {
		end++
	}
	a, errA := strconv.Atoi(major)
	b, errB := strconv.Atoi(rest[:end])
	if errA != nil || errB != nil || a > 99 || b > 99 {
		return 0
	}
	return a*100 + b
}

// applyAlgorithms changes a default list as sshd does: "+a" appends, "-a"
// removes (with wildcards), "^a" puts first, anything else replaces.
func applyAlgorithms(def, value string) string {
	if value == "" || !strings.ContainsRune("+-^", rune(value[0])) {
		return value
	}
	base, change := splitList(def), splitList(value[1:])
	switch value[0] {
	case '+':
		return strings.Join(append(base, change...), ",")
	case '^':
		return strings.Join(append(change, base...), ",")
	}
	var kept []string
	for _, algorithm := range base {
		removed := false
		for _, pattern := range change {
			match, _ := path.Match(pattern, algorithm)
			removed = removed || match
		}
		if !removed {
			kept = append(kept, algorithm)
		}
	}
	return strings.Join(kept, ",")
}

func splitList(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ",")
}
