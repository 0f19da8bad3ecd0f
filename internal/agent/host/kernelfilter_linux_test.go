package host

import (
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// rulesets are nft files with what they do to packets that no rule names.
var rulesets = []struct {
	name, text string
	deny       bool
}{
	{"policy", "table inet f {\n chain i {\n type filter hook input priority 0; policy drop;\n }\n}\n", true},
	{"counted-drop", "table inet f {\n chain i {\n type filter hook input priority 0; policy accept;\n tcp dport 22 accept\n counter drop\n }\n}\n", true},
	{"accept-first", "table inet f {\n chain i {\n type filter hook input priority 0; policy drop;\n accept\n }\n}\n", false},
	{"one-family", "table ip f {\n chain i {\n type filter hook input priority 0; policy drop;\n }\n}\n", false},
	{"both-families", "table ip f {\n chain i {\n type filter hook input priority 0; policy drop;\n }\n}\ntable ip6 f {\n chain i {\n type filter hook input priority 0; policy drop;\n }\n}\n", true},
	{"jump", "table inet f {\n chain end {\n log prefix \"no {\" \n drop\n }\n chain i {\n type filter hook input priority 0; policy accept;\n tcp dport { 22, 80 } accept\n jump end\n }\n}\n", true},
	{"jump-returns", "table inet f {\n chain end {\n return\n drop\n }\n chain i {\n type filter hook input priority 0; policy accept;\n jump end\n }\n}\n", false},
	{"second-chain", "table inet f {\n chain i {\n type filter hook input priority 0; policy accept;\n accept\n }\n chain j {\n type filter hook input priority 10; policy drop;\n }\n}\n", true},
	{"forward-only", "table inet f {\n chain i {\n type filter hook forward priority 0; policy drop;\n }\n}\n", false},
	{"verdict-map", "table inet f {\n chain i {\n type filter hook input priority 0; policy accept;\n ct state vmap { invalid : drop, established : accept }\n }\n}\n", false},
	{"command-form", "add table inet f\nadd chain inet f i { type filter hook input priority 0 ; policy drop ; }\nadd rule inet f i tcp dport 22 accept\n", true},
}

// TestFilterAgreesWithKernel loads each rule set into a network namespace of
// its own: what the file reader says must be what the kernel's rules say.
func TestFilterAgreesWithKernel(t *testing.T) {
	nft, err := exec.LookPath("nft")
	if err != nil {
		if nft, err = exec.LookPath("/usr/sbin/nft"); err != nil {
			t.Skip("nft is not installed")
		}
	}
	for _, tt := range rulesets {
		t.Run(tt.name, func(t *testing.T) {
			r := nftReader{filter: packetFilter{}}
			r.file("f", []byte(tt.text))
			if got := r.filter.summary("", "", true).DefaultDeny; got != tt.deny {
				t.Errorf("the file reader says %v; want %v", got, tt.deny)
			}
			runtime.LockOSThread() // never unlocked: the thread ends with its namespace
			if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
				t.Skip("no network namespace: ", err)
			}
			cmd := exec.Command(nft, "-f", "-")
			cmd.Stdin = strings.NewReader(tt.text)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Skipf("nft: %v %s", err, out)
			}
			f, err := kernelFilter()
			if err != nil {
				t.Fatal(err)
			}
			if got := f.summary("", "", true).DefaultDeny; got != tt.deny {
				t.Errorf("the kernel's rules say %v; want %v", got, tt.deny)
			}
		})
	}
}

func FuzzNftables(f *testing.F) {
	for _, r := range rulesets {
		f.Add([]byte(r.text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, deny, on := ParseNftables(data); deny && !on {
			t.Error("denies without filtering")
		}
		ParseIptables(data)
	})
}
