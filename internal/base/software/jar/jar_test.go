package jar

import (
	"archive/zip"
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// file is an entry of an archive that a test makes.
type file struct {
	name string
	data []byte
	how  uint16
}

func archive(t testing.TB, files ...file) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, f := range files {
		w, err := z.CreateHeader(&zip.FileHeader{Name: f.name, Method: f.how})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(f.data); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func pom(group, artifact, version string) file {
	return file{"META-INF/maven/" + group + "/" + artifact + "/pom.properties", fmt.Appendf(nil, "#x\ngroupId=%s\nartifactId=%s\nversion=%s\r\n", group, artifact, version), zip.Deflate}
}

func manifest(lines ...string) file {
	return file{"META-INF/MANIFEST.MF", []byte("Manifest-Version: 1.0\r\n" + strings.Join(lines, "\r\n") + "\r\n"), zip.Deflate}
}

func read(t testing.TB, name string, data []byte) ([]string, error) {
	t.Helper()
	all, err := Read(name, bytes.NewReader(data), int64(len(data)))
	var out []string
	for _, p := range all {
		out = append(out, p.Ecosystem+" "+p.Name+"@"+p.Version+" "+p.Path)
	}
	return out, err
}

func TestArtifacts(t *testing.T) {
	log4j := archive(t, manifest(), pom("org.apache.logging.log4j", "log4j-core", "2.14.1"))
	for _, tt := range []struct {
		name string
		data []byte
		want []string
	}{
		{"a-1.jar", archive(t, pom("g.h", "a", "1")), []string{"Maven g.h:a@1 a-1.jar"}},
		// A shaded jar has the properties of all that was shaded in, and its
		// own name says nothing.
		{"app-all.jar", archive(t, pom("g", "app", "2"), pom("h", "b", "1")), []string{"Maven g:app@2 app-all.jar", "Maven h:b@1 app-all.jar"}},
		{"fat.jar", archive(t, manifest(), file{"BOOT-INF/lib/log4j-core-2.14.1.jar", log4j, zip.Store}), []string{"Maven org.apache.logging.log4j:log4j-core@2.14.1 fat.jar!/BOOT-INF/lib/log4j-core-2.14.1.jar"}},
		{"app.war", archive(t, file{"WEB-INF/lib/log4j.jar", log4j, zip.Deflate}), []string{"Maven org.apache.logging.log4j:log4j-core@2.14.1 app.war!/WEB-INF/lib/log4j.jar"}},
		{"commons-text-1.9.jar", archive(t, manifest("Bundle-SymbolicName: org.apache.commons.comm", " ons-text;x=y", "Bundle-Version: 1.9")), []string{"Maven org.apache.commons:commons-text@1.9 commons-text-1.9.jar"}},
		{"spring-beans-5.3.17.jar", archive(t, manifest("Implementation-Title: spring-beans", "Implementation-Version: 5.3.17")), []string{" spring-beans@5.3.17 spring-beans-5.3.17.jar"}},
		{"unfilled-1.jar", archive(t, pom("g", "a", "${project.version}")), []string{" unfilled@1 unfilled-1.jar"}},
		{"nameless.jar", archive(t, manifest()), nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := read(t, tt.name, tt.data)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestADamagedNestedArchiveHidesNothing(t *testing.T) {
	got, err := read(t, "x.jar", archive(t, file{"lib/broken.jar", []byte("not a zip"), zip.Store}, pom("g", "a", "1")))
	if err == nil || len(got) != 1 {
		t.Errorf("%v, error %v", got, err)
	}
}

func TestBombs(t *testing.T) {
	deep := archive(t, pom("g", "a", "1"))
	for range maxDepth + 2 {
		deep = archive(t, file{"in.jar", deep, zip.Store})
	}
	zeros := make([]byte, maxNested+1)
	many := make([]file, 40)
	for i := range many {
		many[i] = file{fmt.Sprintf("META-INF/maven/g/a%d/pom.properties", i), zeros, zip.Deflate}
	}
	for name, data := range map[string][]byte{"deep": deep, "zeros": archive(t, file{"in.jar", zeros, zip.Deflate}), "many": archive(t, many...)} {
		if _, err := read(t, "x.jar", data); err == nil {
			t.Errorf("%s was read without an error", name)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(archive(f, manifest("A: b"), pom("g", "a", "1"), file{"x.jar", archive(f, pom("g", "b", "1")), zip.Store}))
	f.Fuzz(func(t *testing.T, data []byte) {
		all, _ := Read("x-1.jar", bytes.NewReader(data), int64(len(data)))
		for _, p := range all {
			if p.Name == "" || p.Version == "" {
				t.Errorf("%+v", p)
			}
		}
	})
}
