// Package rampart_test holds the house to its picture: which room may import
// which, that every package says what it is for, and that every exported name
// is documented.
package rampart_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/rampart-sec/rampart/"

// areas says which areas an area may import besides itself. internal/app and
// cmd may see all; nothing imports them.
var areas = map[string][]string{
	"content":          {"internal/base"},
	"internal/base":    {},
	"internal/agent":   {"internal/base", "content/baselines"},
	"internal/collect": {"internal/base", "content"},
	"internal/posture": {"internal/base", "content"},
	"internal/threat":  {"internal/base", "content"},
	"internal/vuln":    {"internal/base", "content"},
	"internal/face":    {"internal/base", "content", "internal/posture", "internal/threat", "internal/vuln", "internal/collect"},
	"internal/app":     {"internal", "content"},
	"cmd":              {"internal", "content"},
}

// floors lists, per area, its rooms from the ground up. A package may import
// rooms of lower floors of its area, and itself. Longest prefix wins.
var floors = map[string][][]string{
	"content": {{"content/baselines"}, {"content/detections"}, {"content"}},
	"internal/base": {
		{"internal/base/strictyaml", "internal/base/rawjson", "internal/base/arm"},
		{"internal/base/wire", "internal/base/software"},
		{"internal/base/bus", "internal/base/store"},
		{"internal/base/access", "internal/base/inventory"},
	},
	"internal/agent":   {{"internal/agent"}},
	"internal/collect": {{"internal/collect/simulate", "internal/collect/enroll", "internal/collect/ingest", "internal/collect/azure", "internal/collect/kubernetes"}},
	"internal/posture": {
		{"internal/posture/cow", "internal/posture/policy/provider"},
		{"internal/posture/policy", "internal/posture/governance", "internal/posture/finding", "internal/posture/risk"},
		{"internal/posture/policy/engine", "internal/posture/proof", "internal/posture/plan", "internal/posture/template"},
		{"internal/posture/exposure", "internal/posture/exemption", "internal/posture/reopen", "internal/posture/record"},
		{"internal/posture/index", "internal/posture/catalog"},
		{"internal/posture/history"},
		{"internal/posture/judge"},
		{"internal/posture/planning"},
		{"internal/posture/compliance", "internal/posture/assess", "internal/posture/ownership"},
		{"internal/posture/whatif"},
	},
	"internal/threat": {
		{"internal/threat/event"},
		{"internal/threat/sigma"},
		{"internal/threat/correlate", "internal/threat/behavior"},
		{"internal/threat/alert"},
		{"internal/threat/detect"},
	},
	"internal/vuln": {
		{"internal/vuln/advisory/ecosystem", "internal/vuln/advisory/cvss", "internal/vuln/advisory/fetch", "internal/vuln/advisory/bundle"},
		{"internal/vuln/advisory/version", "internal/vuln/advisory/exploit"},
		{"internal/vuln/advisory/affected"},
		{"internal/vuln/advisory/osv", "internal/vuln/advisory/file", "internal/vuln/advisory/debian", "internal/vuln/advisory/csaf"},
		{"internal/vuln/advisory/export"},
		{"internal/vuln/advisory"},
		{"internal/vuln/rematch", "internal/vuln/triage", "internal/vuln/vex", "internal/vuln/msrc"},
		{"internal/vuln/image/secret"},
		{"internal/vuln/image/layer"},
		{"internal/vuln/image/source"},
		{"internal/vuln/image"},
		{"internal/vuln/image/report", "internal/vuln/image/registry"},
		{"internal/vuln/image/scanner"},
	},
	"internal/face": {{"internal/face/api", "internal/face/web", "internal/face/client", "internal/face/export"}},
	"internal/app":  {{"internal/app"}},
	"cmd":           {{"cmd"}},
}

// extra forbids imports that the floors would allow, each with its reason.
var extra = map[string][]string{
	"content":                 {"internal/base/arm", "internal/base/store"},                            // data, known to nobody else
	"internal/posture/policy": {"internal/base/store", "internal/base/inventory", "content"},           // the language alone
	"internal/agent":          {"internal/base/store", "internal/base/bus", "internal/base/inventory"}, // no server on a host
}

func inside(pkg, room string) bool { return pkg == room || strings.HasPrefix(pkg, room+"/") }

func areaOf(pkg string) string {
	for area := range areas {
		if inside(pkg, area) {
			return area
		}
	}
	return ""
}

func floorOf(pkg string) (int, string) {
	best, room := -1, ""
	for i, rooms := range floors[areaOf(pkg)] {
		for _, r := range rooms {
			if inside(pkg, r) && len(r) > len(room) {
				best, room = i, r
			}
		}
	}
	return best, room
}

func TestImportsGoDownOnly(t *testing.T) {
	all := packages(t)
	for _, pkg := range slices.Sorted(maps.Keys(all)) {
		area := areaOf(pkg)
		floor, room := floorOf(pkg)
		if floor < 0 {
			t.Errorf("%s stands on no floor: give it a place in architecture_test.go and docs/ARCHITECTURE.md", pkg)
			continue
		}
		for _, file := range all[pkg] {
			for _, imp := range file.Imports {
				target, ours := strings.CutPrefix(strings.Trim(imp.Path.Value, `"`), module)
				if !ours {
					continue
				}
				if tarea := areaOf(target); tarea != area {
					if tarea == "internal/app" && area != "cmd" || !slices.ContainsFunc(areas[area], func(a string) bool { return inside(target, a) }) {
						t.Errorf("%s imports %s: %s may not see %s", pkg, target, area, tarea)
					}
				} else if tf, troom := floorOf(target); tf > floor || tf == floor && room != troom {
					t.Errorf("%s imports %s: arrows go down only", pkg, target)
				}
				for _, ban := range extra[room] {
					if inside(target, ban) && !inside(target, room) {
						t.Errorf("%s must never import %s", pkg, target)
					}
				}
			}
		}
	}
}

// TestAgentLinksNoServer holds what the agent's program links, directly or
// through another package: rooms meant for a host, and no more.
func TestAgentLinksNoServer(t *testing.T) {
	allowed := []string{"cmd/rampart-agent", "internal/agent", "content/baselines",
		"internal/base/arm", "internal/base/wire", "internal/base/software", "internal/base/strictyaml", "internal/base/rawjson"}
	all := packages(t)
	seen := map[string]bool{"cmd/rampart-agent": true}
	for todo := []string{"cmd/rampart-agent"}; len(todo) > 0; todo = todo[1:] {
		if !slices.ContainsFunc(allowed, func(a string) bool { return inside(todo[0], a) }) {
			t.Errorf("the agent links %s", todo[0])
		}
		for _, f := range all[todo[0]] {
			for _, imp := range f.Imports {
				target, ours := strings.CutPrefix(strings.Trim(imp.Path.Value, `"`), module)
				if ours && !seen[target] {
					seen[target] = true
					todo = append(todo, target)
				}
			}
		}
	}
}

func TestEveryPackageSaysWhatItIsFor(t *testing.T) {
	for pkg, files := range packages(t) {
		doc := ""
		for _, f := range files {
			if f.Doc != nil {
				doc += f.Doc.Text()
			}
		}
		switch {
		case doc == "":
			t.Errorf("%s has no package comment", pkg)
		case files[0].Name.Name != "main" && !strings.Contains(doc, "import"):
			t.Errorf("%s: its package comment does not say what it must never import", pkg)
		}
	}
}

func TestEveryExportedNameIsDocumented(t *testing.T) {
	for pkg, files := range packages(t) {
		for _, f := range files {
			for _, d := range f.Decls {
				for _, name := range undocumented(d) {
					t.Errorf("%s: %s has no comment", pkg, name)
				}
			}
		}
	}
}

// undocumented lists the exported names of a declaration that no comment
// covers. A comment on a group covers its members; methods count when their
// receiver is exported.
func undocumented(d ast.Decl) (names []string) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Name.IsExported() && d.Doc == nil && receiverExported(d) && !wellKnown(d) {
			names = append(names, d.Name.Name)
		}
	case *ast.GenDecl:
		for _, s := range d.Specs {
			switch s := s.(type) {
			case *ast.TypeSpec:
				if s.Name.IsExported() && d.Doc == nil && s.Doc == nil {
					names = append(names, s.Name.Name)
				}
			case *ast.ValueSpec:
				for _, n := range s.Names {
					if n.IsExported() && d.Doc == nil && s.Doc == nil && s.Comment == nil {
						names = append(names, n.Name)
					}
				}
			}
		}
	}
	return names
}

func receiverExported(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	t := d.Recv.List[0].Type
	if s, ok := t.(*ast.StarExpr); ok {
		t = s.X
	}
	if g, ok := t.(*ast.IndexExpr); ok {
		t = g.X
	}
	id, ok := t.(*ast.Ident)
	return ok && id.IsExported()
}

// wellKnown methods mean what their interface of the standard library says.
func wellKnown(d *ast.FuncDecl) bool {
	return d.Recv != nil && slices.Contains([]string{"Error", "String", "Unwrap", "Is", "MarshalJSON", "UnmarshalJSON",
		"MarshalText", "UnmarshalText", "MarshalYAML", "UnmarshalYAML", "Len", "Less", "Swap", "ServeHTTP", "Write", "Read", "Close"}, d.Name.Name)
}

// packages parses the production files of the module by package folder.
func packages(t *testing.T) map[string][]*ast.File {
	t.Helper()
	found := map[string][]*ast.File{}
	fset := token.NewFileSet()
	err := filepath.WalkDir(".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name := d.Name(); p != "." && (strings.HasPrefix(name, ".") || name == "testdata" || name == "node_modules" || hasModule(p)) {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(p, ".go") || strings.HasSuffix(p, "_test.go") {
			return nil
		}
		f, err := parser.ParseFile(fset, p, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		pkg := path.Dir(filepath.ToSlash(p))
		found[pkg] = append(found[pkg], f)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(found) == 0 {
		t.Fatal("no package found")
	}
	return found
}

func hasModule(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return dir != "." && err == nil
}
