package winxml_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/rampart-sec/rampart/internal/threat/event"
	"github.com/rampart-sec/rampart/internal/threat/event/winxml"
)

func read(t testing.TB, d event.Decoder) (out []string) {
	t.Helper()
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
		fields := []string{r.Kind.String(), r.Time().Format(time.RFC3339Nano)}
		r.Walk(func(name []byte, v event.Value) bool {
			fields = append(fields, fmt.Sprintf("%s=%s", name, v.Raw))
			return true
		})
		out = append(out, strings.Join(fields, " "))
	}
}

func windows(in string) event.Decoder { return winxml.New(strings.NewReader(in), event.NewSchema(nil)) }

const head = `<System><Provider Name="Microsoft-Windows-Security-Auditing" Guid='{5}'/><EventID Qualifiers="0">4688</EventID><TimeCreated SystemTime="2025-01-02T03:04:05.6789Z"/><Channel>Security</Channel></System>`

const headFields = "windows/process_creation/security 2025-01-02T03:04:05.6789Z Provider_Name=Microsoft-Windows-Security-Auditing Provider_Guid={5} EventID_Qualifiers=0 EventID=4688 TimeCreated_SystemTime=2025-01-02T03:04:05.6789Z Channel=Security"

func TestEvents(t *testing.T) {
	for _, c := range []struct {
		name, in string
		want     []string
	}{
		{"event data", `<Event xmlns="http://schemas.microsoft.com/win/2004/08/events/event">` + head + `<EventData><Data Name="New Process">C:\a &amp; b&#46;exe</Data><Data>classic</Data><Data Name='Empty'/><Binary>AB</Binary></EventData><RenderingInfo Culture="en"><Message>said</Message><Level>Info</Level></RenderingInfo></Event>`,
			[]string{headFields + ` NewProcess=C:\a & b.exe Data=classic Empty= Binary=AB Message=said`}},
		{"several in a list, over lines", "<?xml version=\"1.0\"?>\r\n<Events>\n <Event>\n  " + head + "\n </Event><!-- x --><e:Event>\n<Event>" + head + "</Event></Events>", []string{headFields, headFields}},
		{"user data", `<Event>` + head + `<UserData><LogFileCleared xmlns="x"><SubjectUserName>eve</SubjectUserName><A><B><![CDATA[<1>]]></B></A></LogFileCleared></UserData></Event>`,
			[]string{headFields + " SubjectUserName=eve A.B=<1>"}},
		{"cut off, then whole", "<Event>" + head[:100] + "<Event>" + head + "</Event><Event>" + head, []string{"skipped record 0 at byte 0: its XML is cut off", headFields, "skipped record 2 at byte 322: its XML is cut off"}},
		{"broken tag", "<Event><System a=1></System></Event><Event>" + head + "</Event>", []string{"skipped record 0 at byte 0: its XML has a broken tag", headFields}},
		{"unknown entity stays", `<!DOCTYPE x [<!ENTITY a "b">]><Event>` + head + `<EventData><Data>&a; &#xffffffff; & ; &lt</Data></EventData></Event>`, []string{headFields + " Data=&a; &#xffffffff; & ; &lt"}},
		{"too deep", "<Event>" + strings.Repeat("<a>", 70) + "</Event>", []string{"skipped record 0 at byte 0: its XML is nested too deep"}},
		{"none", "<Events></Events>", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := strings.Join(read(t, windows(c.in)), "\n")
			if want := strings.Join(c.want, "\n"); got != want {
				t.Errorf("\n got %s\nwant %s", got, want)
			}
			slow := winxml.New(iotest.OneByteReader(strings.NewReader(c.in)), event.NewSchema(nil))
			if again := strings.Join(read(t, slow), "\n"); again != got {
				t.Errorf("byte by byte\n got %s\nwant %s", again, got)
			}
		})
	}
}

func TestSysmonForLinux(t *testing.T) {
	in := `Jan  2 03:04:05 host sysmon: <Event><System><Provider Name="Linux-Sysmon" Guid="{ff}"/><EventID>1</EventID><TimeCreated SystemTime="2025-01-02T03:04:05.5Z"/><Channel>Linux-Sysmon/Operational</Channel></System><EventData><Data Name="Image">/usr/bin/wget</Data><Data Name="CommandLine">wget "x"</Data></EventData></Event>
Jan  2 03:04:05 host sshd: no event
Jan  2 03:04:05 host sysmon: <Event><System>
`
	want := `linux/process_creation/sysmon 2025-01-02T03:04:05.5Z Provider_Name=Linux-Sysmon Provider_Guid={ff} EventID=1 TimeCreated_SystemTime=2025-01-02T03:04:05.5Z Channel=Linux-Sysmon/Operational Image=/usr/bin/wget CommandLine=wget "x"
skipped record 1 at byte 320: it has no Event element
skipped record 2 at byte 356: its XML is cut off`
	got := strings.Join(read(t, winxml.NewSysmonLinux(strings.NewReader(in), event.NewSchema([]string{"Image"}))), "\n")
	if got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

func TestEndlessEventIsSkippedAlone(t *testing.T) {
	in := io.MultiReader(strings.NewReader("<Event>"), strings.NewReader(strings.Repeat("x", event.MaxRecord+1<<20)), strings.NewReader("<Event>"+head+"</Event>"))
	got := read(t, winxml.New(in, event.NewSchema(nil)))
	if len(got) != 2 || got[0] != "skipped record 0 at byte 0: it has too many bytes" || got[1] != headFields {
		t.Errorf("%.200q", got)
	}
}

func FuzzDecoder(f *testing.F) {
	f.Add("<Events><Event>" + head + "<EventData><Data Name='a b'>x&lt;</Data></EventData></Event><Event/>")
	f.Add("<Event><![CDATA[<?x?><!-- --></Event><Event a='b' c=\"d\"/></Event>")
	f.Fuzz(func(t *testing.T, in string) {
		if n := len(read(t, windows(in))); n > strings.Count(in, "<Event") {
			t.Errorf("%d events", n)
		}
		read(t, winxml.NewSysmonLinux(strings.NewReader(in), event.NewSchema(nil)))
	})
}
