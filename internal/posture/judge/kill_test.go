package judge

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rampart-sec/rampart/internal/posture/history"
	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// killedAt names the store that the child process works on.
const killedAt = "RAMPART_TEST_KILLED_AT"

// TestKilled kills a process that imports and judges, many times, and checks
// that whoever comes next finds every acknowledged document judged and one
// consistent state.
func TestKilled(t *testing.T) {
	if path := os.Getenv(killedAt); path != "" {
		importForever(t, path)
		return
	}
	if testing.Short() {
		t.Skip("starts processes")
	}
	path := filepath.Join(t.TempDir(), "posture.db")
	rnd := rand.New(rand.NewPCG(9, 9))
	acknowledged := map[string]bool{}
	for range 5 {
		for _, id := range runAndKill(t, path, time.Duration(50+rnd.IntN(400))*time.Millisecond) {
			acknowledged[id] = true
		}
		checkSurvivor(t, path, acknowledged)
	}
	if len(acknowledged) == 0 {
		t.Error("no child lived long enough to acknowledge anything")
	}
}

// runAndKill starts a child, kills it some time after its first acknowledgement
// and returns what it acknowledged.
func runAndKill(t *testing.T, path string, after time.Duration) []string {
	t.Helper()
	child, out := startChild(t, killedAt+"="+path)
	var ids []string
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if id, ok := strings.CutPrefix(lines.Text(), "ack "); ok {
			if len(ids) == 0 {
				time.AfterFunc(after, func() { _ = child.Process.Kill() }) // may be gone
			}
			ids = append(ids, id)
		}
	}
	_ = child.Wait() // it was killed
	return ids
}

// startChild runs the test again in a process of its own, which reads from its
// environment that it is the child.
func startChild(t *testing.T, env string) (*exec.Cmd, io.Reader) {
	t.Helper()
	child := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.timeout=60s")
	child.Env = append(os.Environ(), env)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	return child, out
}

// openAt opens a world on a store that outlives it, at a time.
func openAt(t *testing.T, path string, at time.Time) *world {
	w := &world{t: t, Clock: newClock()}
	w.Clock.at = at
	w.open(path)
	return w
}

// importForever delivers documents and says which the store has taken, while
// the judge follows, until the process is killed.
func importForever(t *testing.T, path string) {
	w := openAt(t, path, time.Now())
	w.Judge.compaction = history.Compaction{Rows: 5, Entries: 20, Every: time.Hour, Share: 2, Least: 100, Frame: time.Hour}
	rnd := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))
	for {
		doc := w.Account(fmt.Sprintf("a%d", rnd.IntN(500)), rnd.IntN(2) == 0, rnd.IntN(2) == 0)
		doc.ObservedAt = time.Now()
		w.Put(doc)
		fmt.Println("ack " + doc.ID)
	}
}

func checkSurvivor(t *testing.T, path string, acknowledged map[string]bool) {
	t.Helper()
	w := openAt(t, path, time.Now())
	v := w.Estate().View()
	for id := range acknowledged {
		if w.state(v, id, "storage-https") == record.NotApplicable {
			t.Errorf("%s was acknowledged and is not judged", id)
		}
	}
	if diff := recounted(v); diff != nil {
		t.Errorf("aggregates differ from rows:\n%s", diff)
	}
	s, err := w.Estate().History().AsOf(t.Context(), index.Scope{}, time.Now().Add(time.Second))
	if err != nil || !Near(s.Percent, v.Score(index.Scope{}).Percent, 1e-5) {
		t.Errorf("the stored score is %v, the view's %v (%v)", s.Percent, v.Score(index.Scope{}).Percent, err)
	}
	past, err := w.Estate().History().AsOf(t.Context(), index.Scope{Tag: "env"}, time.Now().Add(time.Second))
	if want := v.Score(index.Scope{Tag: "env"}); err != nil || !Near(past.Percent, want.Percent, 1e-5) || past.Known != want.Known {
		t.Errorf("the past of a tag ends with %+v, the view has %+v (%v)", past, want, err)
	}
	running := Dump(v)
	w.restart()
	if diff := cmp.Diff(running, Dump(w.Estate().View())); diff != "" {
		t.Errorf("a second start sees something else:\n%s", diff)
	}
	if err := w.close(); err != nil {
		t.Error(err)
	}
}
