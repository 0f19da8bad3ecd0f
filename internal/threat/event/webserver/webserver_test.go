package webserver_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rampart-sec/rampart/internal/threat/event"
	"github.com/rampart-sec/rampart/internal/threat/event/webserver"
)

// read gives each line as service, time and fields.
func read(t testing.TB, in io.Reader, without ...string) (out []string) {
	t.Helper()
	d := webserver.New(in, event.NewSchema([]string{"cs-method"}))
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
			if !slices.Contains(without, string(name)) {
				fields = append(fields, fmt.Sprintf("%s=%s", name, v.Raw))
			}
			return true
		})
		out = append(out, strings.Join(fields, " "))
	}
}

const combined = `10.0.0.9 - bob [10/Oct/2000:13:55:36 -0700] "GET /a/b.php?c=../../etc/passwd HTTP/1.1" 200 2326 "http://x/\"y" "Mozilla/5.0 (X)"`

func TestLines(t *testing.T) {
	for _, c := range []struct {
		name, in string
		want     []string
	}{
		{"combined", combined, []string{"/webserver/apache+nginx 2000-10-10T20:55:36Z c-ip=10.0.0.9 cs-username=bob cs-method=GET cs-version=HTTP/1.1 cs-uri-stem=/a/b.php c-uri=/a/b.php?c=../../etc/passwd cs-uri-query=/a/b.php?c=../../etc/passwd cs-uri-query=c=../../etc/passwd c-uri-query=c=../../etc/passwd c-uri-extension=php sc-status=200 sc-bytes=2326 cs-referer=http://x/\\\"y cs-user-agent=Mozilla/5.0 (X) c-useragent=Mozilla/5.0 (X)"}},
		{"common", `::1 - - [10/Oct/2000:13:55:36 +0000] "POST / HTTP/1.0" 404 -`, []string{"/webserver/apache+nginx 2000-10-10T13:55:36Z c-ip=::1 cs-method=POST cs-version=HTTP/1.0 cs-uri-stem=/ c-uri=/ cs-uri-query=/ sc-status=404"}},
		{"virtual host", `www.x.example:443 10.0.0.9 - - [10/Oct/2000:13:55:36 +0000] "GET / HTTP/1.0" 404 -`, []string{"/webserver/apache+nginx 2000-10-10T13:55:36Z cs-host=www.x.example c-ip=10.0.0.9 cs-method=GET cs-version=HTTP/1.0 cs-uri-stem=/ c-uri=/ cs-uri-query=/ sc-status=404"}},
		{"no HTTP", `10.0.0.9 - - [10/Oct/2000:13:55:36 +0000] "\x16\x03\x01" 400 226`, []string{`/webserver/apache+nginx 2000-10-10T13:55:36Z c-ip=10.0.0.9 cs-uri-stem=\x16\x03\x01 c-uri=\x16\x03\x01 cs-uri-query=\x16\x03\x01 sc-status=400 sc-bytes=226`}},
		{"Apache error", `[Sun Dec 04 04:47:44 2005] [error] [client 10.0.0.9] File does not exist`, []string{"/webserver/apache 2005-12-04T04:47:44Z level=error c-ip=10.0.0.9 message=File does not exist"}},
		{"Apache 2.4 error", `[Sun Dec 04 04:47:44.123456 2005] [core:error] [pid 1:tid 2] [client 10.0.0.9:5] AH00126: x`, []string{"/webserver/apache 2005-12-04T04:47:44.123456Z level=error c-ip=10.0.0.9 message=AH00126: x"}},
		{"nginx error", `2023/01/02 03:04:05 [error] 1#2: *3 open() failed, client: 10.0.0.9, server: x, request: "GET /a HTTP/1.1", host: "y"`,
			[]string{`/webserver/nginx 2023-01-02T03:04:05Z level=error message=1#2: *3 open() failed, client: 10.0.0.9, server: x, request: "GET /a HTTP/1.1", host: "y" c-ip=10.0.0.9 cs-method=GET cs-version=HTTP/1.1 cs-uri-stem=/a c-uri=/a cs-uri-query=/a cs-host=y`}},
		{"W3C", "#Software: Microsoft Internet Information Services 10.0\n#Fields: date time cs-method cs-uri-stem cs-uri-query c-ip cs(User-Agent) sc-status\n2023-01-02 03:04:05 GET /x.aspx a=1 10.0.0.9 curl+8 200\n2023-01-02 03:04:05 GET\n2023-01-02 03:04:06 POST / - 10.0.0.9 - 500\n",
			[]string{"/webserver/iis 2023-01-02T03:04:05Z date=2023-01-02 time=03:04:05 cs-method=GET cs-uri-stem=/x.aspx c-ip=10.0.0.9 cs-user-agent=curl 8 c-useragent=curl 8 sc-status=200 c-uri=/x.aspx?a=1 cs-uri-query=/x.aspx?a=1 cs-uri-query=a=1 c-uri-query=a=1 c-uri-extension=aspx",
				"skipped record 1 at byte 196: it has 3 fields, #Fields names 8",
				"/webserver/iis 2023-01-02T03:04:06Z date=2023-01-02 time=03:04:06 cs-method=POST cs-uri-stem=/ c-ip=10.0.0.9 sc-status=500 c-uri=/ cs-uri-query=/"}},
		{"other text", "hello world\n10.0.0.9 - - [yesterday] \"GET / HTTP/1.1\" 200 1\n", []string{
			"skipped record 0 at byte 0: it is in none of the formats: common, combined, Apache or nginx error log, W3C extended with #Fields",
			"skipped record 1 at byte 12: it is in none of the formats: common, combined, Apache or nginx error log, W3C extended with #Fields"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := strings.Join(read(t, strings.NewReader(c.in), "cs-uri"), "\n")
			if want := strings.Join(c.want, "\n"); got != want {
				t.Errorf("\n got %s\nwant %s", got, want)
			}
		})
	}
}

func TestRecordedLog(t *testing.T) {
	in, err := os.Open("../../../../../shared/data/detect/events/loghub/Apache/Apache_2k.log")
	if err != nil {
		t.Skip(err)
	}
	defer in.Close()
	all := read(t, in)
	if len(all) != 2000 || slices.ContainsFunc(all, func(s string) bool { return strings.HasPrefix(s, "skipped") }) {
		t.Errorf("%d lines", len(all))
	}
}

func TestSteadyStreamAllocatesNothing(t *testing.T) {
	d := webserver.New(strings.NewReader(strings.Repeat(combined+"\n", 300)), event.NewSchema([]string{"cs-method"}))
	var r event.Record
	_ = d.Next(&r)
	if n := testing.AllocsPerRun(200, func() {
		if err := d.Next(&r); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations a line", n)
	}
}

func FuzzDecoder(f *testing.F) {
	f.Add(combined)
	f.Add("#Fields: date time cs-uri-stem cs-uri-query cs(Cookie)\n2023-01-02 03:04:05 / - a+b\n[Sun Dec  4 04:47:44.1 2005] [a:] [client :]")
	f.Add("2023/01/02 03:04:05 [error] , client: , request: \"GET, host: \"")
	f.Fuzz(func(t *testing.T, in string) {
		if n := len(read(t, strings.NewReader(in))); n > strings.Count(in, "\n")+1 {
			t.Errorf("%d records", n)
		}
	})
}
