package sca

import (
	"path"
	"slices"
	"strings"
)

// programs are those that a policy may start without approval, each with what
// its arguments may be: only what reads. Programs that can run others, write a
// file or reach another machine with a flag are bound tightly.
var programs = map[string]func(args []string) bool{
	"aa-status": anyArguments, "apparmor_status": anyArguments,
	"apt-cache":  firstIs("policy", "show", "depends"),
	"auditctl":   onlyOf("-l", "-s"),
	"authselect": firstIs("current", "check", "list", "show"),
	"blkid":      anyArguments,
	"chage":      firstIs("-l", "--list"),
	"chronyc":    firstIs("sources", "sourcestats", "tracking", "activity"),
	"crontab":    has("-l"),
	"df":         anyArguments,
	"dnf":        firstIs("repolist", "list", "check-update", "updateinfo", "info"),
	"yum":        firstIs("repolist", "list", "check-update", "updateinfo", "info"),
	"dpkg":       firstIs("-s", "-l", "-L", "--status", "--list", "--print-architecture"),
	"dpkg-query": firstIs("-s", "-l", "-L", "-W", "-f", "--status", "--list", "--show", "-Wf", "-W -f", "--showformat"),
	"find":       without("-exec", "-execdir", "-ok", "-okdir", "-delete", "-fprint", "-fprint0", "-fprintf", "-fls", "-files0-from"),
	"findmnt":    anyArguments, "firewall-cmd": reads("--state", "--list", "--get", "--query", "--zone", "--permanent", "--policy", "--direct"),
	"getenforce": anyArguments, "getent": anyArguments, "getfacl": anyArguments,
	"grep": without("-f", "--file"), "egrep": without("-f", "--file"),
	"grubby":    firstIs("--info", "--default-kernel"),
	"gsettings": firstIs("get", "list-schemas", "range", "writable"), "hostnamectl": none, "id": anyArguments,
	"ip": ipShow, "ip6tables": tables, "iptables": tables,
	"journalctl": without("--rotate", "--vacuum-size", "--vacuum-time", "--vacuum-files", "--flush", "--sync", "--setup-keys", "--update-catalog", "--cursor-file", "-f", "--follow"),
	"ls":         anyArguments, "lsattr": anyArguments, "lsblk": anyArguments, "lsmod": anyArguments, "lsof": anyArguments,
	"mokutil": firstIs("--sb-state"), "modinfo": without("-b", "--basedir"),
	"modprobe": modprobeDryRun,
	"mount":    none, "namei": anyArguments, "netstat": anyArguments,
	"nft":    func(args []string) bool { return firstIs("list")(args) && without("-f", "--file")(args) },
	"nmcli":  nmcliShow,
	"passwd": firstIs("-S", "--status"), "postconf": without("-e", "-M", "-F", "-P", "-X", "-#"),
	"ps": anyArguments, "pwck": onlyWith("-r", "-q"), "readlink": anyArguments,
	"rpm": rpmQuery, "ss": without("-D", "--diag", "-K", "--kill"), "sestatus": anyArguments,
	"sshd": sshdTest, "stat": anyArguments, "sysctl": sysctlRead, "systemctl": systemctlShow,
	"systemd-detect-virt": anyArguments, "timedatectl": firstIs("status", "show", "timesync-status", "show-timesync"),
	"ufw": firstIs("status", "show"), "uname": anyArguments, "update-crypto-policies": onlyOf("--show", "--is-applied"),
	"useradd": onlyOf("-D"), "zypper": firstIs("repos", "lr", "list-updates", "lu", "list-patches", "lp", "search", "se"),
	"net": firstIs("accounts"), "net.exe": firstIs("accounts"),
	"auditpol": firstIs("/get"), "auditpol.exe": firstIs("/get"),
}

// directories are where a program without a path is looked for.
var directories = []string{"/usr/sbin", "/usr/bin", "/sbin", "/bin"}

// allowed reports whether a command line may run without approval.
func allowed(argv []string) bool {
	name := path.Base(argv[0])
	if name != argv[0] && !slices.Contains(directories, path.Dir(argv[0])) {
		return false
	}
	check, known := programs[name]
	return known && check(argv[1:])
}

func anyArguments([]string) bool { return true }
func none(args []string) bool    { return len(args) == 0 }

func firstIs(words ...string) func([]string) bool {
	return func(args []string) bool {
		return len(args) > 0 && slices.ContainsFunc(words, func(w string) bool {
			return args[0] == w || strings.HasPrefix(w, "-") && strings.HasPrefix(args[0], w+"=")
		})
	}
}

func has(word string) func([]string) bool {
	return func(args []string) bool { return slices.Contains(args, word) }
}

func onlyOf(words ...string) func([]string) bool {
	return func(args []string) bool {
		return len(args) > 0 && !slices.ContainsFunc(args, func(a string) bool { return !slices.Contains(words, a) })
	}
}

// onlyWith wants the first word, and no flag beyond words.
func onlyWith(words ...string) func([]string) bool {
	return func(args []string) bool {
		return slices.Contains(args, words[0]) &&
			!slices.ContainsFunc(args, func(a string) bool { return strings.HasPrefix(a, "-") && !slices.Contains(words, a) })
	}
}

// without refuses the flags, also joined to a value, and a short one in a group.
func without(flags ...string) func([]string) bool {
	return func(args []string) bool {
		for _, a := range args {
			for _, f := range flags {
				short := len(f) == 2 && f[0] == '-'
				if a == f || strings.HasPrefix(a, f+"=") ||
					short && len(a) > 1 && a[0] == '-' && a[1] != '-' && strings.Contains(a[1:], f[1:]) {
					return false
				}
			}
		}
		return true
	}
}

// reads wants every flag to begin with one of the words.
func reads(words ...string) func([]string) bool {
	return func(args []string) bool {
		return len(args) > 0 && !slices.ContainsFunc(args, func(a string) bool {
			return strings.HasPrefix(a, "-") && !slices.ContainsFunc(words, func(w string) bool { return strings.HasPrefix(a, w) })
		})
	}
}

func ipShow(args []string) bool {
	return without("-b", "-batch", "--batch", "-n", "-netns")(args) &&
		!slices.ContainsFunc(args, func(a string) bool {
			return slices.Contains([]string{"add", "del", "delete", "set", "flush", "exec", "change", "replace", "append", "netns", "vrf"}, a)
		})
}

// tables lists rules: iptables -L -n -v.
func tables(args []string) bool {
	ok := false
	for i, a := range args {
		switch {
		case slices.Contains([]string{"-L", "-S", "-nL", "-nvL", "-vnL", "-Ln", "-Lnv", "-Lvn", "--list", "--list-rules"}, a):
			ok = true
		case slices.Contains([]string{"-n", "-v", "-nv", "-vn", "-x", "-w", "-t", "--line-numbers", "--numeric", "--verbose", "--table"}, a):
		case strings.HasPrefix(a, "-") || i == 0:
			return false
		}
	}
	return ok
}

// modprobeDryRun shows what would be loaded: a dry run or the configuration.
func modprobeDryRun(args []string) bool {
	ok := false
	for _, a := range args {
		switch {
		case slices.Contains([]string{"-n", "--dry-run", "--show", "-c", "--showconfig", "-nv", "-vn", "-D", "--show-depends"}, a):
			ok = true
		case a == "-v" || a == "--verbose":
		case strings.HasPrefix(a, "-"):
			return false
		}
	}
	return ok
}

func nmcliShow(args []string) bool {
	return len(args) < 3 && firstIs("radio", "general", "device", "connection")(args) && (len(args) == 1 || slices.Contains([]string{"all", "wifi", "wwan", "show", "status"}, args[1]))
}

// rpmQuery queries or verifies; no macro and no pipe comes in by a flag.
func rpmQuery(args []string) bool {
	if len(args) == 0 || !strings.HasPrefix(args[0], "-q") && args[0] != "--query" && !strings.HasPrefix(args[0], "-V") {
		return false
	}
	for _, a := range args {
		long, _, _ := strings.Cut(a, "=")
		if strings.HasPrefix(a, "--") && !slices.Contains([]string{"--query", "--all", "--queryformat", "--qf", "--last", "--list", "--info", "--whatprovides"}, long) ||
			strings.HasPrefix(a, "-") && !strings.HasPrefix(a, "--") && strings.ContainsAny(a, "DEr") ||
			strings.Contains(a, "%(") {
			return false
		}
	}
	return true
}

// sshdTest prints the configuration in force; no other file is named.
func sshdTest(args []string) bool {
	return slices.Contains(args, "-T") && !slices.ContainsFunc(args, func(a string) bool {
		return strings.HasPrefix(a, "-") && a != "-T" && a != "-C"
	})
}

// sysctlRead reads parameters: nothing is set, no file is loaded.
func sysctlRead(args []string) bool {
	return len(args) > 0 && !slices.ContainsFunc(args, func(a string) bool {
		return strings.Contains(a, "=") && !strings.HasPrefix(a, "--pattern=") ||
			strings.HasPrefix(a, "-") && !slices.Contains([]string{"-a", "-n", "-e", "-N", "--all", "--values", "--ignore", "-r"}, a)
	})
}

func systemctlShow(args []string) bool {
	verbs := []string{"is-enabled", "is-active", "is-failed", "status", "show", "cat", "list-units", "list-unit-files", "list-timers", "list-sockets", "get-default"}
	return slices.ContainsFunc(args, func(a string) bool { return slices.Contains(verbs, a) }) &&
		!slices.ContainsFunc(args, func(a string) bool {
			return strings.HasPrefix(a, "-H") || strings.HasPrefix(a, "-M") || strings.HasPrefix(a, "--host") || strings.HasPrefix(a, "--machine") || strings.HasPrefix(a, "--root") || strings.HasPrefix(a, "--image") ||
				slices.Contains([]string{"start", "stop", "restart", "reload", "enable", "disable", "mask", "unmask", "kill", "edit", "set-default", "daemon-reload"}, a)
		})
}
