package inventory_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/rampart-sec/rampart/internal/base/inventory"
	"github.com/rampart-sec/rampart/internal/base/store"
)

// The child imports killDocs documents into the store of childEnv and prints a
// line after every committed batch, until it is killed.
const (
	childEnv = "RAMPART_INVENTORY_TEST_CHILD"
	killDocs = 40_000
)

func TestMain(m *testing.M) {
	if url := os.Getenv(childEnv); url != "" {
		if err := importChild(url); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func importChild(url string) error {
	db, err := store.Open(context.Background(), store.Options{URL: url})
	if err != nil {
		return err
	}
	v := inventory.New(inventory.Options{Store: db})
	_, err = v.Import(context.Background(), "", estate(killDocs), inventory.ImportOptions{Source: "import", Progress: func(n int) { fmt.Println(n) }})
	return errors.Join(err, db.Close())
}

// estate streams JSON Lines, half of them children.
func estate(n int) io.Reader {
	r, w := io.Pipe()
	go func() {
		b := bufio.NewWriterSize(w, 1<<16)
		for i := range n {
			if _, err := fmt.Fprintln(b, estateLine(i)); err != nil {
				return // nobody reads on
			}
		}
		_ = b.Flush()
		_ = w.Close()
	}()
	return r
}

func estateID(i int) string {
	id := fmt.Sprintf("/subscriptions/00000000-0000-4000-8000-%012d/resourceGroups/g%d/providers/Microsoft.Storage/storageAccounts/a%d", i%7, i/50%100, i/2)
	if i%2 == 1 {
		id += fmt.Sprintf("/blobServices/b%d", i)
	}
	return id
}

func estateLine(i int) string {
	return fmt.Sprintf(`{"id":%q,"name":"n%d","properties":{"number":%d,"text":"%x"}}`, estateID(i), i, i, uint64(i)*0x9e3779b97f4a7c15)
}

// TestKillDuringImport kills an import at random moments. Each time the store
// must open, hold every document of every acknowledged batch, a prefix of the
// file and nothing else, and a feed that is contiguous and tells the same.
// The next import goes on over what is there; the last one runs to its end.
func TestKillDuringImport(t *testing.T) {
	rounds := 20
	if testing.Short() {
		rounds = 4
	}
	dir := t.TempDir()
	url := "sqlite:" + filepath.Join(dir, "rampart.db")
	killed := 0
	for round := range rounds {
		if round%7 == 0 { // start over: creation is killed too
			dir = t.TempDir()
			url = "sqlite:" + filepath.Join(dir, "rampart.db")
		}
		acked, dead := runAndKill(t, url, time.Duration(rand.IntN(900))*time.Millisecond)
		if dead {
			killed++
		}
		verify(t, url, acked)
	}
	if killed < rounds/3 {
		t.Errorf("only %d of %d imports were killed before their end: the test proves little", killed, rounds)
	}
	if acked, dead := runAndKill(t, url, time.Hour); dead || acked != killDocs {
		t.Errorf("the last import ended at %d of %d", acked, killDocs)
	}
	verify(t, url, killDocs)
}

// runAndKill gives the last acknowledgement that was read.
func runAndKill(t *testing.T, url string, after time.Duration) (acked int, killed bool) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), childEnv+"="+url)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(after, func() { _ = cmd.Process.Kill() }) // too late is fine
	defer timer.Stop()
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if acked, err = strconv.Atoi(lines.Text()); err != nil {
			t.Fatal(err)
		}
	}
	err = cmd.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() > 0 {
		t.Fatalf("the import failed: %v", err)
	}
	return acked, err != nil
}

func verify(t *testing.T, url string, acked int) {
	t.Helper()
	db, err := store.Open(t.Context(), store.Options{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows := map[uint32]string{}
	err = db.ScanResources(t.Context(), store.ScanRange{To: 1 << 31}, func(r *store.Resource) error {
		rows[r.Handle] = r.Doc.ID
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	have := map[string]bool{}
	n := 0 // of the file's documents; the others are made-up containers
	for _, id := range rows {
		have[id] = true
	}
	for i := range killDocs {
		if have[estateID(i)] {
			if n++; n <= i {
				t.Fatalf("document %d is there, one before it is not", i)
			}
		}
	}
	if n < acked {
		t.Fatalf("%d documents were acknowledged, %d are there", acked, n)
	}
	verifyContainers(t, have)
	verifyFeed(t, db, rows)
}

// verifyContainers: a document never stands without its subscription and
// group, which the same transaction made up.
func verifyContainers(t *testing.T, have map[string]bool) {
	t.Helper()
	for i := range killDocs {
		sub, group := fmt.Sprintf("/subscriptions/00000000-0000-4000-8000-%012d", i%7), fmt.Sprintf("/subscriptions/00000000-0000-4000-8000-%012d/resourceGroups/g%d", i%7, i/50%100)
		if have[estateID(i)] && (!have[sub] || !have[group]) {
			t.Fatalf("document %d stands without %s or %s", i, sub, group)
		}
	}
}

// verifyFeed: contiguous, and exactly the rows that are there.
func verifyFeed(t *testing.T, db *store.DB, rows map[uint32]string) {
	t.Helper()
	told := map[uint32]string{}
	for part := range store.Partitions {
		changes, err := db.Changes(t.Context(), "", part, 0, 10*killDocs)
		if err != nil {
			t.Fatal(err)
		}
		for i, c := range changes {
			if c.Seq != uint64(i+1) {
				t.Fatalf("partition %d: change %d has seq %d", part, i, c.Seq)
			}
			if c.Kind == store.KindResource {
				told[c.Handle] = c.Key
			}
		}
	}
	if len(told) != len(rows) {
		t.Fatalf("the feed tells of %d documents, %d are there", len(told), len(rows))
	}
	for h, id := range rows {
		if told[h] != id {
			t.Fatalf("handle %d is %q, the feed says %q", h, id, told[h])
		}
	}
}
