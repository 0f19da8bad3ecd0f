package spool

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

func open(t testing.TB, o Options) *Spool {
	t.Helper()
	s, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func record(n int) []byte {
	return binary.LittleEndian.AppendUint64(bytes.Repeat([]byte{byte(n)}, 92), uint64(n))
}

// account is what a server knows of one agent: it skips what it has, as the
// contract of events says.
type account struct {
	high      map[string]uint64
	delivered map[string]int // by epoch, lane and sequence
	lost      map[string]bool
	records   [][]byte
}

func newAccount() *account {
	return &account{high: map[string]uint64{}, delivered: map[string]int{}, lost: map[string]bool{}}
}

func (a *account) take(t testing.TB, b *Batch) {
	t.Helper()
	key := fmt.Sprint(b.Epoch, b.Lane)
	if b.First > a.high[key]+1 {
		t.Fatalf("%s: a hole from %d to %d", key, a.high[key]+1, b.First-1)
	}
	for seq := max(b.First, a.high[key]+1); seq <= b.Last(); seq++ {
		name := fmt.Sprint(key, " ", seq)
		if b.Gap != nil {
			a.lost[name] = true
		} else {
			a.delivered[name]++
			a.records = append(a.records, b.Records[seq-b.First])
		}
	}
	a.high[key] = max(a.high[key], b.Last())
}

func (a *account) drain(t testing.TB, s *Spool) {
	t.Helper()
	for l := range lanes {
		for {
			b, err := s.Next(l, 10_000)
			if err != nil {
				t.Fatal(err)
			}
			if b == nil {
				break
			}
			a.take(t, b)
			s.Ack(b)
		}
	}
}

func TestDeliverInOrder(t *testing.T) {
	dir := t.TempDir()
	s := open(t, Options{Dir: dir, MaxBytes: 1 << 20, Segment: 4096, BootID: "b"})
	for i := range 500 {
		if _, err := s.Append(Events, record(i)); err != nil {
			t.Fatal(err)
		}
	}
	a := newAccount()
	for range 3 {
		b, err := s.Next(Events, 5000)
		if err != nil {
			t.Fatal(err)
		}
		a.take(t, b)
		s.Ack(b)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, Options{Dir: dir, MaxBytes: 1 << 20, Segment: 4096, BootID: "another start, after a clean end"})
	if first, err := s.Append(Events, record(500)); err != nil || first != 501 {
		t.Fatalf("sequence %d, %v; 501 wanted", first, err)
	}
	a.drain(t, s)
	if len(a.records) != 501 || len(a.high) != 1 {
		t.Fatalf("%d records of %d epochs", len(a.records), len(a.high))
	}
	for i, r := range a.records {
		if !bytes.Equal(r, record(i)) {
			t.Fatalf("record %d is another", i)
		}
	}
	if st := s.Status()[Events]; st.Records != 0 {
		t.Errorf("status: %+v", st)
	}
}

func TestDeliveredSegmentsGoAndRewindBringsThemBack(t *testing.T) {
	now := time.Unix(1000, 0)
	s := open(t, Options{Dir: t.TempDir(), MaxBytes: 1 << 20, Segment: 4096, Now: func() time.Time { return now }})
	for i := range 100 {
		if _, err := s.Append(Alerts, record(i)); err != nil {
			t.Fatal(err)
		}
	}
	a := newAccount()
	a.drain(t, s)
	if err := s.Tidy(); err != nil {
		t.Fatal(err)
	}
	s.Rewind()
	again := newAccount()
	again.drain(t, s)
	if len(again.records) != 100 {
		t.Errorf("%d records come again, 100 wanted", len(again.records))
	}
	now = now.Add(11 * time.Second)
	if err := s.Tidy(); err != nil {
		t.Fatal(err)
	}
	if st := s.Status()[Alerts]; st.Bytes != 0 {
		t.Errorf("delivered records are still there: %+v", st)
	}
	if first, err := s.Append(Alerts, record(0)); err != nil || first != 101 {
		t.Errorf("sequence %d, %v; 101 wanted", first, err)
	}
}

// Whatever is appended, delivered and restarted in whatever order: delivered and
// lost add up to produced, and lanes above keep theirs.
func TestFullSpoolAccountsForEverything(t *testing.T) {
	for seed := range uint64(8) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		o := Options{Dir: t.TempDir(), MaxBytes: 20_000, Segment: 2_000, BootID: "b"}
		s := open(t, o)
		a := newAccount()
		produced := 0
		for range 400 {
			switch rnd.IntN(10) {
			case 0:
				b, err := s.Next(Lane(rnd.IntN(3)), 1+rnd.IntN(3000))
				if err != nil {
					t.Fatal(err)
				}
				if b != nil {
					a.take(t, b)
					if rnd.IntN(3) > 0 { // else the answer is lost
						s.Ack(b)
					}
				}
			case 1:
				if rnd.IntN(2) == 0 {
					if err := s.Close(); err != nil {
						t.Fatal(err)
					}
				} // else it is left as a kill leaves it
				s = open(t, o)
			case 2:
				if err := s.Tidy(); err != nil {
					t.Fatal(err)
				}
			default:
				var rs [][]byte
				for range 1 + rnd.IntN(20) {
					rs = append(rs, record(produced+len(rs)))
				}
				if _, err := s.Append(Lane(rnd.IntN(3)), rs...); err != nil {
					t.Fatal(err)
				}
				produced += len(rs)
			}
		}
		a.drain(t, s)
		if got := len(a.delivered) + len(a.lost); got != produced {
			t.Fatalf("seed %d: %d delivered and %d lost are not %d produced", seed, len(a.delivered), len(a.lost), produced)
		}
	}
}

func TestEventsGiveWayBeforeAlerts(t *testing.T) {
	s := open(t, Options{Dir: t.TempDir(), MaxBytes: 20_000, Segment: 2_000})
	for i := range 50 {
		if _, err := s.Append(Alerts, record(i)); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 1000 {
		if _, err := s.Append(Events, record(i)); err != nil {
			t.Fatal(err)
		}
	}
	st := s.Status()
	if st[Alerts].Lost != 0 || st[Alerts].Records != 50 || st[Events].Lost == 0 || st[Events].Records != 1000 {
		t.Errorf("%+v", st)
	}
	if entries, err := filepath.Glob(filepath.Join(s.dir, "events", "*.gap")); err != nil || len(entries) != 1 {
		t.Errorf("gaps side by side are not one: %v", entries)
	}
}

func TestTornEndIsCutOff(t *testing.T) {
	dir := t.TempDir()
	s := open(t, Options{Dir: dir, BootID: "b"})
	if _, err := s.Append(Events, record(0), record(1), record(2)); err != nil {
		t.Fatal(err)
	}
	_ = s.Close()
	paths, _ := filepath.Glob(filepath.Join(dir, "events", "*.seg"))
	whole, err := os.ReadFile(paths[0])
	if err != nil {
		t.Fatal(err)
	}
	for cut := headerSize; cut < len(whole); cut += 7 {
		others, _ := filepath.Glob(filepath.Join(dir, "events", "*.seg"))
		for _, path := range others {
			_ = os.Remove(path)
		}
		if err := os.WriteFile(paths[0], whole[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		s := open(t, Options{Dir: dir, BootID: "b"})
		want := uint64((cut-headerSize)/(frameSize+100)) + 1
		if first, err := s.Append(Events, record(9)); err != nil || first != want {
			t.Fatalf("cut at %d: sequence %d, %v; %d wanted", cut, first, err, want)
		}
		_ = s.Close()
	}
}

func TestDamageInTheMiddleIsAGap(t *testing.T) {
	dir := t.TempDir()
	s := open(t, Options{Dir: dir, BootID: "b"})
	if _, err := s.Append(Events, record(0), record(1), record(2), record(3)); err != nil {
		t.Fatal(err)
	}
	_ = s.Close()
	paths, _ := filepath.Glob(filepath.Join(dir, "events", "*.seg"))
	whole, err := os.ReadFile(paths[0])
	if err != nil {
		t.Fatal(err)
	}
	whole[headerSize+frameSize+100+frameSize+5] ^= 1 // in the second record
	if err := os.WriteFile(paths[0], whole, 0o600); err != nil {
		t.Fatal(err)
	}
	s = open(t, Options{Dir: dir, BootID: "b"})
	a := newAccount()
	a.drain(t, s)
	if len(a.delivered) != 1 || len(a.lost) != 3 {
		t.Errorf("%d delivered, %d lost; one and three wanted", len(a.delivered), len(a.lost))
	}
	if first, err := s.Append(Events, record(9)); err != nil || first != 5 {
		t.Errorf("sequence %d, %v; 5 wanted", first, err)
	}
}

func TestNewEpochAfterAnUncleanStart(t *testing.T) {
	dir := t.TempDir()
	s := open(t, Options{Dir: dir, BootID: "one"})
	if _, err := s.Append(Events, record(0)); err != nil {
		t.Fatal(err)
	}
	s2 := open(t, Options{Dir: dir, BootID: "two"}) // the first was not closed
	if _, err := s2.Append(Events, record(1)); err != nil {
		t.Fatal(err)
	}
	a := newAccount()
	a.drain(t, s2)
	if len(a.records) != 2 || len(a.high) != 2 || !bytes.Equal(a.records[0], record(0)) {
		t.Errorf("%d records of %d epochs", len(a.records), len(a.high))
	}
}

func TestDiskFull(t *testing.T) {
	if runtime.GOOS != "linux" || os.Getuid() != 0 {
		t.Skip("mounting a small file system needs root on Linux")
	}
	dir := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", dir).CombinedOutput(); err != nil {
		t.Skipf("mount: %s", out)
	}
	t.Cleanup(func() { _ = exec.Command("umount", dir).Run() })
	s := open(t, Options{Dir: filepath.Join(dir, "spool"), MaxBytes: 10 << 20, Segment: 20_000, BootID: "b"})
	for i := range 10_000 {
		l := Events
		if i%100 == 0 {
			l = Alerts
		}
		if _, err := s.Append(l, record(i)); err != nil {
			t.Fatalf("record %d: %v", i, err)
		}
	}
	if st := s.Status(); st[Alerts].Lost != 0 || st[Events].Lost == 0 {
		t.Errorf("%+v", st)
	}
	a := newAccount()
	a.drain(t, s)
	if got := len(a.delivered) + len(a.lost); got != 10_000 {
		t.Errorf("%d delivered and %d lost are not 10000", len(a.delivered), len(a.lost))
	}
	_ = s.Close()
}

// A process that appends is killed at any moment, many times: what it said was
// appended is delivered.
func TestKill(t *testing.T) {
	if dir := os.Getenv("SPOOL_KILL_DIR"); dir != "" {
		appendUntilKilled(dir)
	}
	dir := t.TempDir()
	produced := map[string]bool{}
	for round := range 8 {
		cmd := exec.Command(os.Args[0], "-test.run", "^TestKill$")
		cmd.Env = append(os.Environ(), "SPOOL_KILL_DIR="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for n := 0; n < 200+97*round && lines.Scan(); n++ {
			produced[lines.Text()] = true
		}
		_ = cmd.Process.Kill()
		for lines.Scan() { // said before the kill came
			if strings.HasSuffix(lines.Text(), ".") {
				produced[lines.Text()] = true
			}
		}
		_ = cmd.Wait()
	}
	s := open(t, Options{Dir: dir, MaxBytes: 100 << 20, Segment: 10_000, BootID: "b"})
	a := newAccount()
	a.drain(t, s)
	got := map[string]bool{}
	for _, r := range a.records {
		got[string(r)] = true
	}
	for p := range produced {
		if !got[p] {
			t.Errorf("%s was appended and is gone", p)
		}
	}
	if len(produced) < 1000 || len(a.lost) > 0 {
		t.Errorf("%d produced, %d lost", len(produced), len(a.lost))
	}
}

func appendUntilKilled(dir string) {
	s, err := Open(Options{Dir: dir, MaxBytes: 100 << 20, Segment: 10_000, BootID: "b"})
	for i := 0; err == nil; i++ {
		text := strconv.Itoa(os.Getpid()) + "-" + strconv.Itoa(i) + "."
		if _, err = s.Append(Lane(i%3), []byte(text)); err == nil {
			fmt.Println(text)
		}
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func FuzzSegment(f *testing.F) {
	b := appendHeader(nil, 1, 1)
	b = appendFrame(b, 1, record(1))
	b = appendFrame(b, 2, record(2))
	f.Add(b)
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(t.TempDir(), segmentName(1, 1, false))
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if seg, err := openSegment(path); err == nil && (seg.size > int64(len(data)) || seg.last+1 < seg.first) {
			t.Errorf("%+v of %d bytes", seg, len(data))
		}
	})
}

func BenchmarkAppend(b *testing.B) {
	s := open(b, Options{Dir: b.TempDir(), MaxBytes: 1 << 30})
	batch := make([][]byte, 100)
	for i := range batch {
		batch[i] = bytes.Repeat([]byte("x"), 650)
	}
	b.SetBytes(650)
	n := 0
	for b.Loop() {
		if n++; n%len(batch) == 0 {
			if _, err := s.Append(Events, batch...); err != nil {
				b.Fatal(err)
			}
		}
		if n%100_000 == 0 {
			_ = s.Tidy()
		}
	}
}
