package detect

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/rampart-sec/rampart/internal/threat/event"
	"github.com/rampart-sec/rampart/internal/threat/event/input"
	"github.com/rampart-sec/rampart/internal/threat/event/sources"
)

// FileStats count what was read.
type FileStats struct {
	Events, Bytes, Hits int64
	Skipped             int64
	FirstSkipped        string // reason of the first record that was left out, with its file
}

// FileHit is a hit with its place: the stream and the number of the record in it.
type FileHit struct {
	Hit
	File  string
	Index int
	Event *event.Record // valid during the call
}

// Place is where an event of a file run stands.
type Place struct {
	File  string `json:"file"`
	Index int    `json:"index"`
}

// Files runs a program over files.
type Files struct {
	Program *Program
	// Source names the source of the files; "" tells it by their start.
	Source string
	// Custom, if set, is the source instead.
	Custom *sources.Source

	Stats FileStats
	run   *Run
	names []string
}

// indexBits are the low bits of an event's id: its number in the stream.
const indexBits = 40

// Place finds the event of a detection again.
func (f *Files) Place(id uint64) Place {
	return Place{f.names[id>>indexBits], int(id & (1<<indexBits - 1))}
}

// Read runs over one file, archive or stream and calls emit with each hit. Its
// error is that of the file as a whole; single records are counted as skipped.
func (f *Files) Read(ctx context.Context, name string, in io.Reader, emit func(FileHit) error) error {
	if f.run == nil {
		f.run = f.Program.NewRun(correlateOptions())
	}
	return input.Walk(name, in, input.DefaultLimits, func(name string, in io.Reader) error {
		err := f.stream(ctx, name, &counter{in: in, n: &f.Stats.Bytes}, emit)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		return nil
	})
}

type counter struct {
	in io.Reader
	n  *int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.in.Read(p)
	*c.n += int64(n)
	return n, err
}

func (f *Files) stream(ctx context.Context, name string, in io.Reader, emit func(FileHit) error) error {
	number := uint64(len(f.names))
	f.names = append(f.names, name)
	var failed error
	return f.records(ctx, name, in, func(at Place, rec *event.Record) error {
		f.run.Record(rec, name, func() uint64 { return number<<indexBits | uint64(at.Index) }, func(h Hit) {
			f.Stats.Hits++
			if failed == nil {
				failed = emit(FileHit{h, name, at.Index, rec})
			}
		})
		return failed
	})
}

func (f *Files) source(in io.Reader) (sources.Source, io.Reader, error) {
	if f.Custom != nil {
		return *f.Custom, in, nil
	}
	name := f.Source
	if name == "" {
		b := bufio.NewReaderSize(in, sources.HeadSize)
		head, err := b.Peek(sources.HeadSize)
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, bufio.ErrBufferFull) {
			return sources.Source{}, nil, err
		}
		if name, in = sources.Detect(head), b; name == "" || name == "json" {
			return sources.Source{}, nil, errors.New("its source cannot be told: name it with --source")
		}
	}
	source, ok := sources.Find(name)
	if !ok {
		return source, nil, fmt.Errorf("there is no source %q", name)
	}
	return source, in, nil
}
