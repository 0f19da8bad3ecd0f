package host

import (
	"io/fs"
	"os"
	"path"
)

// maxWalk bounds the entries that one walk looks at.
const maxWalk = 200000

// Walk is what a search for entries that everybody may change came to.
type Walk struct {
	Found *Info // the first such entry, nil if there is none
	// Skipped is the first directory that could not be searched, "" if all
	// could: without Found the answer is not known then.
	Skipped string
}

// WorldWritable searches below a directory for an entry that everybody may
// change: a file, or a directory without the sticky bit. Links are not
// followed. A directory that does not exist has none.
func (h *Host) WorldWritable(dir string) (Walk, error) {
	real, err := h.resolve(dir)
	if err != nil {
		return Walk{}, unreadable(dir, err)
	}
	var w Walk
	left := maxWalk
	err = fs.WalkDir(os.DirFS(real), ".", func(name string, d fs.DirEntry, err error) error {
		name = path.Join(dir, name)
		left--
		switch {
		case left < 0:
			return &Unreadable{dir, "more entries than one check looks at"}
		case err != nil:
			w.skip(name, err)
			return nil
		case d.IsDir() && h.remoteMount(name) != "":
			return fs.SkipDir
		}
		info, err := d.Info()
		if err != nil {
			return nil // it has just gone
		}
		if i := infoOf(name, info); openToAll(i) {
			w.Found = &i
			return fs.SkipAll
		}
		return nil
	})
	return w, err
}

func (w *Walk) skip(name string, err error) {
	if w.Skipped == "" && !Absent(err) {
		w.Skipped = name
	}
}

func openToAll(i Info) bool {
	return i.Bits()&0o002 != 0 && (i.Mode.IsRegular() || i.Mode.IsDir() && i.Bits()&0o1000 == 0)
}
