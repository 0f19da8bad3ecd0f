package baselines

// Rule is a condition over the host: exactly one field is set, a combination
// or a typed procedure. Combinations are three-valued; operands that do not
// apply are left out, and a combination of nothing else does not apply.
type Rule struct {
	AllOf []Rule `yaml:"allOf"`
	AnyOf []Rule `yaml:"anyOf"`
	Not   *Rule  `yaml:"not"`

	AccountUnique        *AccountUnique      `yaml:"accountUnique"`
	AptOption            *AptOption          `yaml:"aptOption"`
	AuditRule            *AuditRule          `yaml:"auditRule"`
	AutomaticUpdates     *struct{}           `yaml:"automaticUpdates"`
	CPUVulnerability     *struct{}           `yaml:"cpuVulnerability"`
	DiskEncrypted        *OnPath             `yaml:"diskEncrypted"`
	FileExists           *Paths              `yaml:"fileExists"`
	FileLine             *FileLine           `yaml:"fileLine"`
	FilePermissions      *FilePermissions    `yaml:"filePermissions"`
	FirewallActive       *struct{}           `yaml:"firewallActive"`
	FirewallDefaultDeny  *struct{}           `yaml:"firewallDefaultDeny"`
	GrubPassword         *struct{}           `yaml:"grubPassword"`
	HomeDirectory        *HomeDirectory      `yaml:"homeDirectory"`
	KernelArgument       *KernelArgument     `yaml:"kernelArgument"`
	KernelModuleDisabled *KernelModule       `yaml:"kernelModuleDisabled"`
	KeyValue             *KeyValue           `yaml:"keyValue"`
	Limit                *Limit              `yaml:"limit"`
	LogCreateMode        *LogCreateMode      `yaml:"logCreateMode"`
	LogForwarding        *struct{}           `yaml:"logForwarding"`
	LoginDefs            *LoginDefs          `yaml:"loginDefs"`
	MountOption          *MountOption        `yaml:"mountOption"`
	MountPoint           *OnPath             `yaml:"mountPoint"`
	PackageAbsent        *Names              `yaml:"packageAbsent"`
	PackageInstalled     *Names              `yaml:"packageInstalled"`
	PAMModule            *PAMModule          `yaml:"pamModule"`
	PAMSetting           *PAMSetting         `yaml:"pamSetting"`
	PasswordHash         *PasswordHash       `yaml:"passwordHash"`
	PasswordNotEmpty     *struct{}           `yaml:"passwordNotEmpty"`
	PendingUpdates       *PendingUpdates     `yaml:"pendingUpdates"`
	PortNotListening     *PortNotListening   `yaml:"portNotListening"`
	ProcessAbsent        *Names              `yaml:"processAbsent"`
	RebootNotPending     *struct{}           `yaml:"rebootNotPending"`
	ReleaseSupported     *ReleaseSupported   `yaml:"releaseSupported"`
	RepositorySignatures *struct{}           `yaml:"repositorySignatures"`
	SecureBoot           *struct{}           `yaml:"secureBoot"`
	SecurityModule       *SecurityModule     `yaml:"securityModule"`
	SSHDOption           *SSHDOption         `yaml:"sshdOption"`
	SSHServer            *struct{}           `yaml:"sshServer"`
	StickyDirectory      *Paths              `yaml:"stickyDirectory"`
	Sudoers              *Sudoers            `yaml:"sudoers"`
	Sysctl               *Sysctl             `yaml:"sysctl"`
	SystemdSetting       *SystemdSetting     `yaml:"systemdSetting"`
	SystemAccountShell   *SystemAccountShell `yaml:"systemAccountShell"`
	UIDZero              *Names              `yaml:"uidZero"`
	UnitActive           *UnitActive         `yaml:"unitActive"`
	UnitEnabled          *Names              `yaml:"unitEnabled"`
	UnitOff              *Names              `yaml:"unitOff"`
	UserFiles            *UserFiles          `yaml:"userFiles"`
	UserShadow           *UserShadow         `yaml:"userShadow"`
	WorldWritable        *Paths              `yaml:"worldWritable"`
}

// Compare judges one value. Every condition that is set must hold; none set
// means that any value will do. Words compare without case.
type Compare struct {
	Equals  string   `yaml:"equals"`
	In      []string `yaml:"in"`
	NotIn   []string `yaml:"notIn"`
	Min     *int64   `yaml:"min"`
	Max     *int64   `yaml:"max"`
	Matches string   `yaml:"matches"` // RE2, anywhere in the value
	// Contains and Excludes look at the value as words split at commas and
	// blanks; a word of Excludes may end in "*".
	Contains []string `yaml:"contains"`
	Excludes []string `yaml:"excludes"`
	// Missing is the state when there is no value: fail (default), pass or
	// notApplicable.
	Missing string `yaml:"missing"`
	Means   string `yaml:"means"` // the comparison in words, for evidence
}

// Names are package, unit, process or account names.
type Names struct {
	Names []string `yaml:"names"`
}

// Paths are files or globs.
type Paths struct {
	Paths []string `yaml:"paths"`
}

// OnPath names one directory.
type OnPath struct {
	Path string `yaml:"path"`
}

// SSHDOption compares the effective global value of an sshd option: included
// files read in place, first value wins, the version's default if none is set.
type SSHDOption struct {
	Option  string `yaml:"option"`
	Compare `yaml:",inline"`
}

// Sysctl compares a kernel parameter as it runs, and as the sysctl.d files
// will set it at the next start.
type Sysctl struct {
	Key     string `yaml:"key"`
	Compare `yaml:",inline"`
}

// FilePermissions wants every existing file of Paths to be owned by one of
// Owner and Group and to have no mode bit outside Mode.
type FilePermissions struct {
	Paths   []string `yaml:"paths"`
	Owner   []string `yaml:"owner"`
	Group   []string `yaml:"group"`
	Mode    string   `yaml:"mode"`    // octal
	Missing string   `yaml:"missing"` // no file at all: notApplicable (default), pass, fail
}

// FileLine wants one line of one of the files to match; comments are skipped.
// Means says in words what the line is, for evidence: "a line with ...".
type FileLine struct {
	Paths   []string `yaml:"paths"`
	Matches string   `yaml:"matches"`
	Means   string   `yaml:"means"`
	Missing string   `yaml:"missing"` // no file at all: fail (default), pass, notApplicable
}

// KeyValue compares a setting of "key separator value" files; later files and
// lines win. Separator is "=" (default) or "blank".
type KeyValue struct {
	Paths     []string `yaml:"paths"`
	Key       string   `yaml:"key"`
	Separator string   `yaml:"separator"`
	Compare   `yaml:",inline"`
}

// AptOption compares a setting of the apt configuration, lists joined by blanks.
type AptOption struct {
	Key     string `yaml:"key"`
	Compare `yaml:",inline"`
}

// AuditRule wants a loaded-at-start audit rule for a watched path or for all
// of Syscalls.
type AuditRule struct {
	Watch    string   `yaml:"watch"`
	Syscalls []string `yaml:"syscalls"`
	Denied   bool     `yaml:"denied"` // refused calls are enough
}

// AccountUnique wants no two accounts to share Of: user, uid, group or gid.
type AccountUnique struct {
	Of string `yaml:"of"`
}

// HomeDirectory wants homes of people to be theirs and within Mode.
type HomeDirectory struct {
	Mode string `yaml:"mode"`
}

// KernelArgument compares an argument of the kernel's command line.
type KernelArgument struct {
	Name    string `yaml:"name"`
	Compare `yaml:",inline"`
}

// KernelModule names a module that must be neither loaded nor loadable.
type KernelModule struct {
	Module string `yaml:"module"`
}

// Limit compares an entry of the limits files for domain "*".
type Limit struct {
	Item    string `yaml:"item"`
	Compare `yaml:",inline"`
}

// LogCreateMode wants every mode that rsyslog gives new files within Mode.
type LogCreateMode struct {
	Mode string `yaml:"mode"`
}

// SystemdSetting compares a setting of a systemd configuration file such as
// journald.conf, drop-ins of all directories applied in order.
type SystemdSetting struct {
	File    string `yaml:"file"`
	Key     string `yaml:"key"`
	Compare `yaml:",inline"`
}

// LoginDefs compares a setting of /etc/login.defs.
type LoginDefs struct {
	Key     string `yaml:"key"`
	Compare `yaml:",inline"`
}

// MountOption wants a mounted file system to have all Options; where Path is
// no mount of its own the procedure does not apply.
type MountOption struct {
	Path    string   `yaml:"path"`
	Options []string `yaml:"options"`
}

// PAMModule wants Module in the stack of one of Services, included files read
// in place, and compares its argument if Argument is set.
type PAMModule struct {
	Services []string `yaml:"services"`
	Type     string   `yaml:"type"` // auth, account, password, session
	Module   string   `yaml:"module"`
	Argument string   `yaml:"argument"`
	Compare  `yaml:",inline"`
}

// PasswordHash wants every stored password to be hashed by one of Allowed.
type PasswordHash struct {
	Allowed []string `yaml:"allowed"` // yescrypt, gost-yescrypt, sha512, sha256, bcrypt, md5, des
}

// PendingUpdates wants no more than Max packages to wait for an update that
// the local package lists know.
type PendingUpdates struct {
	Security bool `yaml:"security"` // security updates only
	Max      int  `yaml:"max"`
}

// PortNotListening wants nobody to listen on Ports but on loopback.
type PortNotListening struct {
	Protocol string `yaml:"protocol"` // tcp or udp
	Ports    []int  `yaml:"ports"`
}

// ReleaseSupported wants the distribution's release to be before its end of
// security updates: "debian-12" to a date.
type ReleaseSupported struct {
	Ends map[string]string `yaml:"ends"`
}

// SecurityModule wants one of AnyOf (apparmor, selinux) on, enforcing.
type SecurityModule struct {
	AnyOf []string `yaml:"anyOf"`
}

// Sudoers wants a Defaults setting on for everybody, its value compared, or the
// absence of a tag or negated setting.
type Sudoers struct {
	Default string `yaml:"default"` // e.g. use_pty, logfile
	Compare `yaml:",inline"`
	Forbid  string `yaml:"forbid"` // e.g. NOPASSWD, !authenticate
}

// SystemAccountShell wants system accounts to have one of the no-login shells.
type SystemAccountShell struct {
	Shells []string `yaml:"shells"`
	Except []string `yaml:"except"`
}

// UnitActive wants one of the units to run; where systemd does not, one of the
// processes.
type UnitActive struct {
	Names     []string `yaml:"names"`
	Processes []string `yaml:"processes"`
}

// UserFiles wants files in people's homes to be theirs and within Mode.
type UserFiles struct {
	Names []string `yaml:"names"` // relative to the home
	Mode  string   `yaml:"mode"`
}

// UserShadow compares a shadow field of every account that has a password:
// minDays, maxDays, warnDays or inactiveDays.
type UserShadow struct {
	Field   string `yaml:"field"`
	Compare `yaml:",inline"`
}

// Procedures counts the typed procedures of a rule.
func (r *Rule) Procedures() int {
	n := 0
	for _, list := range [][]Rule{r.AllOf, r.AnyOf} {
		for i := range list {
			n += list[i].Procedures()
		}
	}
	if r.Not != nil {
		n += r.Not.Procedures()
	}
	if r.AllOf == nil && r.AnyOf == nil && r.Not == nil {
		n = 1
	}
	return n
}

// PAMSetting compares a setting of a PAM module as it is in force: the
// argument in the stack, else the module's own configuration files, else its
// default. Every one of Services that exists must have the module.
type PAMSetting struct {
	Services []string `yaml:"services"`
	Type     string   `yaml:"type"`
	Module   string   `yaml:"module"`
	Key      string   `yaml:"key"`
	Paths    []string `yaml:"paths"`
	Default  string   `yaml:"default"`
	Compare  `yaml:",inline"`
}
