package proof

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestReadTakesFilesAndLeavesOtherFolders(t *testing.T) {
	policies := filepath.Join("..", "..", "..", "content", "policies", "storage")
	empty := t.TempDir()
	list, rest, err := Read([]string{policies, empty})
	if err != nil || len(list) < 8 || len(rest) != 1 || rest[0] != empty {
		t.Errorf("%d recommendations, rest %v, error %v", len(list), rest, err)
	}
}

func TestReadSeesPoliciesBesideFiles(t *testing.T) {
	dir := t.TempDir()
	file, err := os.ReadFile(filepath.Join("..", "..", "..", "content", "policies", "machines", "machine-ssh-permit-root-login.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{"machine-ssh-permit-root-login.yaml": file, "policy.json": []byte("{}")} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if list, rest, err := Read([]string{dir}); err != nil || len(list) != 1 || len(rest) != 1 {
		t.Errorf("%d recommendations, rest %v, error %v", len(list), rest, err)
	}
}

func TestReadNamesWhatIsWrong(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"one.yaml": "severty: high", "two.yaml": "- list"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, _, err := Read([]string{dir, filepath.Join(dir, "absent")})
	for _, want := range []string{"one.yaml:1: unknown key", "two.yaml:1: want a mapping", "absent"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v lacks %q", err, want)
		}
	}
}
