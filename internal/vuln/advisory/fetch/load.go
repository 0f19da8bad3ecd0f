package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

// fetcher loads files.
type fetcher struct {
	Options
	client *http.Client
}

func newFetcher(o Options) *fetcher {
	f := &fetcher{Options: o, client: o.Client}
	if f.client == nil {
		f.client = &http.Client{CheckRedirect: sameSafety}
	}
	if f.Attempts == 0 {
		f.Attempts = 5
	}
	if f.Idle == 0 {
		f.Idle = 30 * time.Second
	}
	return f
}

// sameSafety follows a few redirects, but never from https to http.
func sameSafety(req *http.Request, via []*http.Request) error {
	if len(via) >= 5 {
		return errors.New("more than 5 redirects")
	}
	if via[0].URL.Scheme == "https" && req.URL.Scheme != "https" {
		return fmt.Errorf("a redirect from https to %s", req.URL.Scheme)
	}
	return nil
}

// errRefused is an answer that trying again does not change.
var errRefused = errors.New("the server refuses")

// inspect asks for a file's size and whether the one that is here is still the
// server's.
func (f *fetcher) inspect(ctx context.Context, file *File) error {
	resp, err := f.retry(ctx, func(ctx context.Context) (*http.Response, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodHead, file.URL, nil)
		if err != nil {
			return nil, err
		}
		return f.client.Do(req)
	})
	if err != nil {
		return fmt.Errorf("ask for %s: %w", file.Name, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusMethodNotAllowed || resp.StatusCode == http.StatusNotImplemented {
		file.Size = -1 // a server that only gives: it will be seen
		return nil
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("ask for %s: %s answers %s", file.Name, file.URL, resp.Status)
	}
	file.Size, file.etag = resp.ContentLength, resp.Header.Get("ETag")
	if file.etag == "" {
		file.etag = resp.Header.Get("Last-Modified")
	}
	if file.Size > MaxBytes {
		return fmt.Errorf("ask for %s: it has %d bytes, more than %d", file.Name, file.Size, int64(MaxBytes))
	}
	info, err := os.Stat(file.Path)
	file.Current = err == nil && file.etag != "" && tagOf(file.Path) == file.etag && (file.Size < 0 || info.Size() == file.Size)
	if part, err := os.Stat(partOf(file.Path)); err == nil && file.etag != "" && tagOf(partOf(file.Path)) == file.etag {
		file.Have = part.Size()
	}
	return nil
}

// retry repeats a request while the connection fails or the server is busy.
func (f *fetcher) retry(ctx context.Context, do func(context.Context) (*http.Response, error)) (resp *http.Response, err error) {
	for try := range f.Attempts {
		if try > 0 {
			if err := pause(ctx, f.Wait<<(try-1)); err != nil {
				return nil, err
			}
		}
		resp, err = do(ctx)
		if err == nil && resp.StatusCode < 500 && resp.StatusCode != http.StatusTooManyRequests {
			return resp, nil
		}
		if err == nil {
			_ = resp.Body.Close()
			err = fmt.Errorf("%s", resp.Status)
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	return nil, err
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

func partOf(path string) string { return path + ".part" }

// tagOf reads which version of the server's file a file is.
func tagOf(path string) string {
	tag, err := os.ReadFile(path + ".etag")
	if err != nil {
		return ""
	}
	return string(tag)
}

// load brings a file here. A file that is current is only marked as checked.
func (f *fetcher) load(ctx context.Context, file *File) error {
	if file.Current {
		now := time.Now()
		return os.Chtimes(file.Path, now, now) // its age is that of the last look
	}
	part := partOf(file.Path)
	if file.Have == 0 {
		_ = os.Remove(part)
	}
	if err := os.WriteFile(part+".etag", []byte(file.etag), 0o644); err != nil {
		return err
	}
	var err error
	for try := range f.Attempts {
		if try > 0 {
			if err := pause(ctx, f.Wait<<(try-1)); err != nil {
				return err
			}
		}
		if err = f.loadPart(ctx, file); err == nil || errors.Is(err, errRefused) || ctx.Err() != nil {
			break
		}
	}
	if err != nil {
		return err
	}
	if err := os.Rename(part, file.Path); err != nil {
		return err
	}
	return os.Rename(part+".etag", file.Path+".etag")
}

// loadPart goes on where the part that is here ends.
func (f *fetcher) loadPart(ctx context.Context, file *File) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	out, err := os.OpenFile(partOf(file.Path), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return err
	}
	defer out.Close()
	have, err := out.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	if file.Size >= 0 && have == file.Size {
		return nil
	}
	resp, err := f.get(ctx, file, have)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if have, err = startAt(out, resp, have); err != nil {
		return err
	}
	body := newIdleReader(resp.Body, f.Idle, cancel)
	defer body.stop()
	got, err := io.Copy(&progress{out, f, file, have}, io.LimitReader(body, MaxBytes-have+1))
	switch {
	case err != nil:
		return err
	case have+got > MaxBytes:
		return fmt.Errorf("%w: more than %d bytes", errRefused, int64(MaxBytes))
	case file.Size >= 0 && have+got != file.Size:
		return fmt.Errorf("%d bytes came where %d were promised", have+got, file.Size)
	}
	return out.Sync()
}

func (f *fetcher) get(ctx context.Context, file *File, have int64) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, file.URL, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept-Encoding", "identity") // ranges count the bytes of the file
	if have > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", have))
		req.Header.Set("If-Range", file.etag)
	}
	resp, err := f.client.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode == http.StatusOK || resp.StatusCode == http.StatusPartialContent {
		return resp, nil
	}
	_ = resp.Body.Close()
	if resp.StatusCode < 500 && resp.StatusCode != http.StatusTooManyRequests {
		return nil, fmt.Errorf("%w: %s", errRefused, resp.Status)
	}
	return nil, errors.New(resp.Status)
}

// startAt puts the file where the answer begins: behind what is here, or at the
// start if the server sends all of it.
func startAt(out *os.File, resp *http.Response, have int64) (int64, error) {
	if resp.StatusCode == http.StatusPartialContent {
		from, _, ok := strings.Cut(strings.TrimPrefix(resp.Header.Get("Content-Range"), "bytes "), "-")
		if n, err := strconv.ParseInt(from, 10, 64); !ok || err != nil || n != have {
			return 0, fmt.Errorf("%w: the part that came begins elsewhere: %.60q", errRefused, resp.Header.Get("Content-Range"))
		}
		return have, nil
	}
	if err := out.Truncate(0); err != nil {
		return 0, err
	}
	_, err := out.Seek(0, io.SeekStart)
	return 0, err
}

// progress tells of what was written.
type progress struct {
	w    io.Writer
	f    *fetcher
	file *File
	n    int64
}

func (p *progress) Write(b []byte) (int, error) {
	n, err := p.w.Write(b)
	p.n += int64(n)
	if p.f.Progress != nil {
		p.f.Progress(*p.file, p.n)
	}
	return n, err
}

// idleReader breaks a connection on which nothing comes.
type idleReader struct {
	r     io.Reader
	timer *time.Timer
	idle  time.Duration
}

func newIdleReader(r io.Reader, idle time.Duration, stop func()) *idleReader {
	return &idleReader{r, time.AfterFunc(idle, stop), idle}
}

func (r *idleReader) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	r.timer.Reset(r.idle)
	return n, err
}

func (r *idleReader) stop() { r.timer.Stop() }
