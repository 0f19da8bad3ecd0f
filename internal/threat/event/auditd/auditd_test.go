package auditd_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/rampart-sec/rampart/internal/threat/event"
	"github.com/rampart-sec/rampart/internal/threat/event/auditd"
	"github.com/rampart-sec/rampart/internal/threat/event/input"
)

// read gives each event as its kind and the fields that are asked for, all of
// them if none is.
func read(t testing.TB, in string, names ...string) (out []string) {
	t.Helper()
	d := auditd.New(strings.NewReader(in), event.NewSchema([]string{"type", "a0", "Image"}))
	var r event.Record
	for {
		err := d.Next(&r)
		var bad *event.SkipError
		switch {
		case err == io.EOF:
			return out
		case errors.As(err, &bad):
			out = append(out, "skipped "+err.Error())
			continue
		case err != nil:
			t.Fatal(err)
		}
		fields := []string{r.Kind.String()}
		r.Walk(func(name []byte, v event.Value) bool {
			if len(names) == 0 || slices.Contains(names, string(name)) {
				fields = append(fields, fmt.Sprintf("%s=%s", name, v.Raw))
			}
			return true
		})
		out = append(out, strings.Join(fields, " "))
	}
}

const execve = `type=SYSCALL msg=audit(1604996384.965:93777): arch=c000003e syscall=59 success=yes exit=0 a0=558e25052c70 a1=558e251641a0 items=2 ppid=29002 pid=2168 auid=1000 uid=0 comm="dd" exe="/bin/dd" key=(null)
type=EXECVE msg=audit(1604996384.965:93777): argc=3 a0="dd" a1="if=/dev/zero" a2=62 a3=612062
type=CWD msg=audit(1604996384.965:93777): cwd="/home/wardog"
type=PATH msg=audit(1604996384.965:93777): item=0 name="/bin/dd" nametype=NORMAL
type=PROCTITLE msg=audit(1604996384.965:93777): proctitle=64640069663D2F6465762F7A65726F
`

func TestEvents(t *testing.T) {
	for _, c := range []struct {
		name, in string
		fields   []string
		want     []string
	}{
		{"process", execve, []string{"type", "a0", "a1", "a2", "a3", "SYSCALL", "key", "proctitle", "Image", "CommandLine", "User", "CurrentDirectory", "ParentProcessId"},
			[]string{"linux/process_creation/auditd type=SYSCALL type=EXECVE a0=dd a1=if=/dev/zero a2=b a3=a b type=CWD type=PATH type=PROCTITLE proctitle=dd if=/dev/zero SYSCALL=execve Image=/bin/dd User=root CommandLine=dd if=/dev/zero b a b CurrentDirectory=/home/wardog ParentProcessId=29002"}},
		{"process that could not start", strings.ReplaceAll(execve, "success=yes", "success=no"), []string{"Image"}, []string{"linux//auditd"}},
		{"parent", execve + strings.NewReplacer("93777", "93778", "pid=2168", "pid=2169", "ppid=29002", "ppid=2168", `"/bin/dd"`, `"/bin/ls"`).Replace(execve),
			[]string{"ParentImage", "ParentCommandLine"}, []string{"linux/process_creation/auditd", "linux/process_creation/auditd ParentImage=/bin/dd ParentCommandLine=dd if=/dev/zero b a b"}},
		{"interleaved", "type=SYSCALL msg=audit(1.000:1): a0=1\ntype=SYSCALL msg=audit(1.000:2): a0=2\ntype=CWD msg=audit(1.000:1): cwd=\"/1\"\ntype=CWD msg=audit(1.000:2): cwd=\"/2\"\ntype=EOE msg=audit(1.000:2): \ntype=EOE msg=audit(1.000:1): \n",
			[]string{"a0", "cwd"}, []string{"linux//auditd a0=2 cwd=/2", "linux//auditd a0=1 cwd=/1"}},
		{"same serial on two nodes", "node=a type=SYSCALL msg=audit(1.000:1): a0=1\nnode=b type=SYSCALL msg=audit(1.000:1): a0=2\n",
			nil, []string{"linux//auditd node=a type=SYSCALL a0=1", "linux//auditd node=b type=SYSCALL a0=2"}},
		{"late lines end events", "type=SYSCALL msg=audit(1.000:1): a0=1\ntype=SYSCALL msg=audit(4.000:2): a0=2\ntype=CWD msg=audit(1.000:1): cwd=\"/1\"\n",
			[]string{"a0", "cwd"}, []string{"linux//auditd a0=1", "linux//auditd a0=2", "linux//auditd cwd=/1"}},
		{"user space", "type=USER_CMD msg=audit(1.000:1): pid=7 uid=0 msg='cwd=\"/root\" cmd=6C73202D6C exe=\"/usr/bin/sudo\" terminal=pts/0 res=success'\x1dUID=\"root\" AUID=\"unset\"\n",
			nil, []string{"linux//auditd type=USER_CMD pid=7 uid=0 cwd=/root cmd=ls -l exe=/usr/bin/sudo terminal=pts/0 res=success UID=root AUID=unset"}},
		{"enriched", "type=SYSCALL msg=audit(1.000:1): arch=c000003e syscall=133 a1=1b6 key=\"k\"\x1dARCH=x86_64 SYSCALL=mknod UID=\"bob\"\n",
			nil, []string{"linux//auditd type=SYSCALL arch=c000003e syscall=133 a1=1b6 key=k ARCH=x86_64 SYSCALL=mknod UID=bob"}},
		{"keys", "type=SYSCALL msg=audit(1.000:1): key=6B31016B32\n", nil, []string{"linux//auditd type=SYSCALL key=k1 key=k2"}},
		{"argument in pieces", "type=EXECVE msg=audit(1.000:1): argc=2 a0=\"sh\" a1_len=4 a1[0]=6162\ntype=EXECVE msg=audit(1.000:1): a1[1]=\"cd\" a2=\"x\"\n",
			[]string{"a0", "a1", "a2", "CommandLine"}, []string{"linux/process_creation/auditd a0=sh a1=abcd a2=x CommandLine=sh abcd x"}},
		{"file", "type=SYSCALL msg=audit(1.000:1): arch=c000003e syscall=257 success=yes a2=241 pid=9 uid=1 exe=\"/bin/sh\"\ntype=CWD msg=audit(1.000:1): cwd=\"/etc\"\ntype=PATH msg=audit(1.000:1): name=\"cron.d/\" nametype=PARENT\ntype=PATH msg=audit(1.000:1): name=\"./cron.d/x\" nametype=CREATE\n",
			[]string{"TargetFilename", "Image", "User"}, []string{"linux/file_event/auditd TargetFilename=/etc/cron.d/x Image=/bin/sh User=1"}},
		{"file that is only read", "type=SYSCALL msg=audit(1.000:1): arch=c000003e syscall=257 success=yes a2=0\ntype=PATH msg=audit(1.000:1): name=\"/etc/passwd\" nametype=NORMAL\n",
			[]string{"TargetFilename"}, []string{"linux//auditd"}},
		{"connection", "type=SYSCALL msg=audit(1.000:1): arch=c00000b7 syscall=203 success=yes exe=\"/bin/nc\"\ntype=SOCKADDR msg=audit(1.000:1): saddr=0200115C0A0000050000000000000000\x1dSADDR={ saddr_fam=inet laddr=10.0.0.5 lport=4444 }\n",
			[]string{"DestinationIp", "DestinationPort", "Image"}, []string{"linux/network_connection/auditd DestinationIp=10.0.0.5 DestinationPort=4444 Image=/bin/nc"}},
		{"by syslog", "Jan  2 03:04:05 host kernel: [ 12.3] audit: type=1300 audit(1.000:1): arch=c000003e syscall=2\n", nil, []string{"linux//auditd type=SYSCALL arch=c000003e syscall=2 SYSCALL=open"}},
		{"wrong lines", "hello\ntype=X msg=nothing\ntype=SYSCALL msg=audit(1.000:1): a0=1\ntype=CWD msg=audit(99999999999999999.000:1): \n", nil, []string{
			"skipped record 0 at byte 0: it is no line of an audit log: type= is missing",
			"skipped record 1 at byte 6: it is no line of an audit log: audit(seconds.milliseconds:serial): is missing or broken",
			"skipped record 2 at byte 63: it is no line of an audit log: audit(seconds.milliseconds:serial): is missing or broken",
			"linux//auditd type=SYSCALL a0=1"}},
		{"LAUREL", `{"ID":"1604996384.965:93777","SYSCALL":{"arch":"0xc000003e","syscall":59,"success":"yes","ppid":1,"pid":2,"exe":"/bin/dd","uid":0,"SYSCALL":"execve","UID":"root"},"EXECVE":{"argc":2,"ARGV":["dd","if=x"]},"CWD":{"cwd":"/"},"PATH":[{"name":"/bin/dd","nametype":"NORMAL"}],"PARENT_INFO":{"ARGV":["bash"],"exe":"/bin/bash"}}` + "\n",
			[]string{"type", "a0", "a1", "SYSCALL", "Image", "CommandLine", "ParentImage", "User"},
			[]string{"linux/process_creation/auditd type=CWD type=EXECVE a0=dd a1=if=x type=PATH type=SYSCALL SYSCALL=execve Image=/bin/dd User=root CommandLine=dd if=x ParentImage=/bin/bash"}},
		{"Auditbeat", `{"@timestamp":"2025-01-02T03:04:05.678Z","auditd":{"message_type":"syscall","result":"success","data":{"syscall":"execve","a0":"55d"},"paths":[{"name":"/bin/dd","nametype":"NORMAL"}]},"process":{"executable":"/bin/dd","args":["dd","if=x"],"pid":2,"parent":{"pid":1}},"user":{"id":"0","name":"root"}}` + "\n",
			[]string{"type", "a0", "a1", "SYSCALL", "Image", "CommandLine", "User"},
			[]string{"linux/process_creation/auditd type=SYSCALL SYSCALL=execve type=EXECVE a0=dd a1=if=x type=PATH Image=/bin/dd User=root CommandLine=dd if=x"}},
		{"other JSON", "{\"a\":1}\n{\n", nil, []string{
			"skipped record 0 at byte 0: it is no audit event: neither ID with types of lines (LAUREL) nor auditd (Auditbeat)",
			"skipped record 1 at byte 8: it is no valid JSON: unexpected EOF"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := read(t, c.in, c.fields...)
			if a, b := strings.Join(got, "\n"), strings.Join(c.want, "\n"); a != b {
				t.Errorf("got\n%s\nwant\n%s", a, b)
			}
		})
	}
}

// TestRecordedLogs reads the recorded audit logs of two attacks.
func TestRecordedLogs(t *testing.T) {
	const folder = "../../../../../shared/data/detect/events/otrf/atomic/linux/"
	for name, want := range map[string][]string{
		"defense_evasion/host/sh_binary_padding_dd.zip": {"linux/process_creation/auditd Image=/bin/dd CommandLine=dd if=/dev/zero bs=1 count=1 CurrentDirectory=/home/wardog"},
		"discovery/host/sh_arp_cache.zip": {
			"linux/process_creation/auditd Image=/usr/sbin/arp CommandLine=arp -a CurrentDirectory=/home/wardog",
			"linux/process_creation/auditd Image=/bin/grep CommandLine=grep -v ^? CurrentDirectory=/home/wardog"},
	} {
		f, err := os.Open(folder + name)
		if err != nil {
			t.Skip(err)
		}
		defer f.Close()
		err = input.Walk(name, f, input.DefaultLimits, func(_ string, in io.Reader) error {
			b, err := io.ReadAll(in)
			if err != nil {
				return err
			}
			if got := read(t, string(b), "Image", "CommandLine", "CurrentDirectory"); !slices.Equal(got, want) {
				t.Errorf("%s: %q, want %q", name, got, want)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
}

func TestBounds(t *testing.T) {
	var many strings.Builder
	for range 5000 {
		many.WriteString("type=PATH msg=audit(1.000:1): name=\"x\"\n")
	}
	many.WriteString("type=CWD msg=audit(1.000:2): cwd=\"/\"\n")
	got := read(t, many.String(), "cwd")
	if len(got) != 2 || got[0] != "skipped record 0 at byte 0: its event has too many lines" || got[1] != "linux//auditd cwd=/" {
		t.Error(got)
	}
	many.Reset()
	for i := range 200 {
		fmt.Fprintf(&many, "type=SYSCALL msg=audit(1.000:%d): a0=%d\n", i, i)
	}
	if got := read(t, many.String(), "a0"); len(got) != 200 || got[0] != "linux//auditd a0=0" {
		t.Errorf("%d events, first %s", len(got), got[0])
	}
}

func TestSteadyStreamAllocatesNothing(t *testing.T) {
	d := auditd.New(strings.NewReader(strings.Repeat(execve, 200)), event.NewSchema([]string{"Image"}))
	var r event.Record
	for range 20 {
		if err := d.Next(&r); err != nil {
			t.Fatal(err)
		}
	}
	if n := testing.AllocsPerRun(100, func() {
		if err := d.Next(&r); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations an event", n)
	}
}

func FuzzDecoder(f *testing.F) {
	f.Add(execve)
	f.Add("node=a type=EXECVE msg=audit(1.000:1): a1_len=4 a1[0]=6162 a1[1]=\"\x1dSADDR={ x\ntype=SOCKADDR msg=audit(1.000:1): saddr=0A00\n")
	f.Add(`{"ID":"1.000:1","EXECVE":{"ARGV":["x",1,null]},"PATH":[1,{"name":[]}]}` + "\n{\"auditd\":{\"paths\":[{}]}}")
	f.Fuzz(func(t *testing.T, in string) {
		if n := len(read(t, in)); n > strings.Count(in, "\n")+1 {
			t.Errorf("%d events of %d lines", n, strings.Count(in, "\n")+1)
		}
	})
}

func BenchmarkDecoder(b *testing.B) {
	in := strings.Repeat(execve, 2000)
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		d := auditd.New(strings.NewReader(in), event.NewSchema([]string{"Image", "CommandLine", "type", "a0", "a1"}))
		var r event.Record
		for d.Next(&r) == nil {
		}
	}
	b.ReportMetric(float64(5*2000*b.N)/b.Elapsed().Seconds(), "lines/s")
}
