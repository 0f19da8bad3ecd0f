package version

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// pair is two versions and how the real tool orders them.
type pair struct{ a, b string }

// pieces are what random versions of a scheme are made of. Versions made of few
// pieces meet in their beginnings, which is where rules differ.
var pieces = map[string][]string{
	"dpkg":     {"0", "1", "2", "10", "01", ".", ".", "-", "~", "~~", "+", "a", "b", "rc", "Z", "+deb12u1", "~bpo11+1"},
	"rpm":      {"0", "1", "2", "10", "01", ".", ".", "_", "~", "^", "a", "b", "rc", "Z", "el9", "-1", "+"},
	"semver":   {"0", "1", "2", "10", ".", "-", "-rc", "alpha", "beta", ".1", "+build", "+1"},
	"pep440":   {"0", "1", "2", "10", ".", "a1", "b2", "rc1", ".dev3", ".post1", "-1", "+local.1", "+abc", "c3", "alpha", "rev2", "_"},
	"maven":    {"0", "1", "2", "10", ".", ".", "-", "-", "a", "alpha", "b1", "m2", "rc", "cr", "snapshot", "sp", "ga", "final", "jre", "x"},
	"gem":      {"0", "1", "2", "10", ".", ".", "a", "b", "rc", "pre", "-", "alpha"},
	"composer": {"0", "1", "2", "10", ".", ".", "-", "alpha", "beta", "RC", "dev", "p1", "a"},
}

// random makes a version that starts with a digit and has no separator twice.
func random(r *rand.Rand, from []string) string {
	v := strconv.Itoa(r.IntN(3))
	for range r.IntN(6) {
		p := from[r.IntN(len(from))]
		if last := v[len(v)-1]; strings.ContainsRune(".-_+", rune(last)) && strings.ContainsRune(".-_+", rune(p[0])) {
			continue
		}
		v += p
	}
	return strings.TrimRight(v, ".-_+")
}

func randomPairs(scheme string, n int) (list []pair) {
	r := rand.New(rand.NewPCG(7, uint64(len(scheme))))
	for range n {
		list = append(list, pair{random(r, pieces[scheme]), random(r, pieces[scheme])})
	}
	return list
}

// judge runs a program that reads "a b" lines and prints a number per line, or
// "-" for versions that it refuses.
func judge(t *testing.T, compare func(a, b string) int, pairs []pair, name string, args ...string) {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s is not installed", name)
	}
	var in bytes.Buffer
	for _, p := range pairs {
		fmt.Fprintln(&in, p.a, p.b)
	}
	cmd := exec.CommandContext(t.Context(), path, args...)
	cmd.Stdin = &in
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Skipf("%s: %v %.300s", name, err, stderr.String())
	}
	lines := strings.Fields(string(out))
	if len(lines) != len(pairs) {
		t.Fatalf("%s judged %d of %d pairs: %.200s", name, len(lines), len(pairs), stderr.String())
	}
	judged := 0
	for i, p := range pairs {
		if lines[i] == "-" {
			continue
		}
		judged++
		want, err := strconv.Atoi(lines[i])
		if err != nil {
			t.Fatalf("%s says %q", name, lines[i])
		}
		if got := compare(p.a, p.b); got != sign(want) {
			t.Errorf("compare(%q, %q) = %d, %s says %d", p.a, p.b, got, name, want)
		}
	}
	if judged < len(pairs)/20 {
		t.Errorf("%s judged only %d of %d pairs", name, judged, len(pairs))
	}
}

func TestDPKGJudge(t *testing.T) {
	script := `while read a b; do if dpkg --compare-versions "$a" lt "$b" 2>/dev/null; then echo -1; elif dpkg --compare-versions "$a" eq "$b" 2>/dev/null; then echo 0; else echo 1; fi; done`
	if _, err := exec.LookPath("dpkg"); err != nil {
		t.Skip("dpkg is not installed")
	}
	pairs := append(randomPairs("dpkg", 400), pair{"1:1", "2"}, pair{"0:1-1", "1-1"}, pair{"1.0-1", "1.0-1+b1"}, pair{"2.36-9+deb12u4", "2.36-9+deb12u10"}, pair{"1.0~rc1-1", "1.0-1"})
	judge(t, compareDPKG, pairs, "sh", "-c", script)
}

func TestRPMJudge(t *testing.T) {
	script := `%{lua: for l in io.stdin:lines() do local a, b = l:match("^(%S+) (%S+)$"); print(rpm.vercmp(a, b) .. "\n") end}`
	pairs := append(randomPairs("rpm", 4000), pair{"1:1-1", "2-1"}, pair{"0:1-1.el9", "1-1.el9_2"}, pair{"1.0^git1-1", "1.0-1"}, pair{"1.0~rc1-1", "1.0-1"})
	judge(t, compareRPM, pairs, "rpm", "--eval", script)
}

func TestSemverJudge(t *testing.T) {
	script := `const s = require(process.argv[1]);
for (const l of require("fs").readFileSync(0, "utf8").trim().split("\n")) {
  const [a, b] = l.split(" ");
  console.log(s.valid(a) && s.valid(b) ? s.compare(a, b) : "-");
}`
	var pairs []pair
	for _, p := range randomPairs("semver", 20000) {
		if strings.Count(p.a, ".") >= 2 && strings.Count(p.b, ".") >= 2 {
			pairs = append(pairs, p)
		}
	}
	judge(t, compareSemantic, pairs, "node", "-e", script, npmSemver(t))
}

// npmSemver finds the semver package that npm itself uses.
func npmSemver(t *testing.T) string {
	for _, glob := range []string{"/usr/lib/node_modules/npm/node_modules/semver", "/usr/share/nodejs/semver", "/usr/local/lib/node_modules/npm/node_modules/semver"} {
		if _, err := os.Stat(filepath.Join(glob, "package.json")); err == nil {
			return glob
		}
	}
	t.Skip("npm's semver package is not installed")
	return ""
}

func TestPEP440Judge(t *testing.T) {
	script := `import sys
try:
    from packaging.version import Version, InvalidVersion
except ImportError:
    from pip._vendor.packaging.version import Version, InvalidVersion
for l in sys.stdin:
    a, b = l.split()
    try:
        x, y = Version(a), Version(b)
        print((x > y) - (x < y))
    except InvalidVersion:
        print("-")
`
	python := "python3"
	if _, err := os.Stat("/usr/bin/python3"); err == nil {
		python = "/usr/bin/python3" // the one that the distribution's packages are for
	}
	judge(t, comparePEP440, randomPairs("pep440", 20000), python, "-c", script)
}

func TestMavenJudge(t *testing.T) {
	jars, _ := filepath.Glob("/usr/share/maven/lib/maven-artifact-3*.jar")
	if _, err := exec.LookPath("java"); err != nil || len(jars) == 0 {
		t.Skip("Maven is not installed")
	}
	pairs := randomPairs("maven", 3000)
	args := []string{"-cp", "/usr/share/maven/lib/*", "org.apache.maven.artifact.versioning.ComparableVersion"}
	for _, p := range pairs {
		args = append(args, p.a, p.b)
	}
	out, err := exec.CommandContext(t.Context(), "java", args...).Output()
	if err != nil {
		t.Skipf("Maven's comparison does not run: %v", err)
	}
	// one line "a < b" for each two neighbours among the arguments
	judged := 0
	prev := ""
	for line := range strings.Lines(string(out)) {
		f := strings.Fields(line)
		if len(f) == 3 && strings.Contains("<==>", f[1]) {
			judged++
			want := map[string]int{"<": -1, "==": 0, ">": 1}[f[1]]
			if got := compareMaven(f[0], f[2]); got != want {
				t.Errorf("compare(%q, %q) = %d, Maven says %s", f[0], f[2], got, f[1])
			}
		}
		prev = line
	}
	if judged < len(pairs) {
		t.Errorf("Maven judged %d of %d pairs; it ends with %.100q", judged, len(pairs), prev)
	}
}

func TestGemJudge(t *testing.T) {
	script := `STDIN.each_line do |l|
  a, b = l.split
  puts Gem::Version.correct?(a) && Gem::Version.correct?(b) ? (Gem::Version.new(a) <=> Gem::Version.new(b)) : "-"
end`
	judge(t, compareGem, randomPairs("gem", 10000), "ruby", "-e", script)
}

// TestComposerJudge gives PHP's version_compare what Composer would give it: four
// numbers, then the suffix. Words that PHP does not know are left out.
func TestComposerJudge(t *testing.T) {
	script := `while (($l = fgets(STDIN)) !== false) { [$a, $b] = explode(" ", trim($l)); echo version_compare($a, $b), "\n"; }`
	r := rand.New(rand.NewPCG(3, 3))
	suffixes := []string{"", "-dev", "-alpha", "-alpha1", "-beta2", "-beta10", "-RC1", "-RC2", "-patch1", "-p2", "-beta", "-RC"}
	version := func() string {
		return fmt.Sprintf("%d.%d.%d.%d%s", r.IntN(2), r.IntN(2), r.IntN(12), r.IntN(2), suffixes[r.IntN(len(suffixes))])
	}
	var pairs []pair
	for range 5000 {
		pairs = append(pairs, pair{version(), version()})
	}
	judge(t, compareComposer, pairs, "php", "-r", script)
}
