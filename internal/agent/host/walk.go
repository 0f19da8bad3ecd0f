package host

import (
	"io/fs"
	"os"
	"path"
	"strings"
)

// maxWalk bounds the entries that one walk looks at.
const maxWalk = 200000

// walkTooLarge is the reason of an unfinished walk.
const walkTooLarge = "more entries than one check looks at"

// WorldWritable finds the first entry below a directory that everybody may
// change: a file, or a directory without the sticky bit. Links are not
// followed, other file systems are entered. What may not be listed is skipped
// and named in skipped.
func (h *Host) WorldWritable(dir string) (found Info, ok bool, skipped string, err error) {
	left := maxWalk
	real, err := h.resolve(dir)
	if err != nil {
		return Info{}, false, "", unreadable(dir, err)
	}
	walk := func(name string, d fs.DirEntry, walkErr error) error {
		shown := path.Join(dir, strings.TrimPrefix(name, real))
		if walkErr != nil {
			if !Absent(walkErr) && skipped == "" {
				skipped = shown
			}
			return nil
		}
		if left--; left < 0 {
			return &Unreadable{dir, walkTooLarge}
		}
		if d.Type()&fs.ModeSymlink != 0 {
			return nil
		}
		raw, infoErr := d.Info()
		if infoErr != nil {
			return nil
		}
		i := infoOf(shown, raw)
		if i.Bits()&0o002 != 0 && (i.Mode.IsRegular() || i.Mode.IsDir() && i.Bits()&0o1000 == 0) {
			found, ok = i, true
			return fs.SkipAll
		}
		return nil
	}
	err = fs.WalkDir(os.DirFS(real), ".", func(name string, d fs.DirEntry, err error) error {
		return walk(path.Join(real, name), d, err)
	})
	return found, ok, skipped, err
}
