package source

import (
	"context"
	"fmt"
	"io"
	"path"
	"regexp"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// saved is an entry of the manifest.json of docker save.
type saved struct {
	Config   string
	RepoTags []string
	Layers   []string
}

func (a *Archive) saved() ([]saved, error) {
	var all []saved
	if err := a.decode("manifest.json", &all); err != nil {
		return nil, err
	}
	if len(all) == 0 || len(all) > maxImages {
		return nil, fmt.Errorf("%w: manifest.json names %d images", ErrNotAnImage, len(all))
	}
	return all, nil
}

// docker reads an archive of docker save. Its only claims about layers are the
// digests as unpacked that the configuration gives, and file names that are
// digests.
func (a *Archive) docker() ([]*Image, error) {
	all, err := a.saved()
	if err != nil {
		return nil, err
	}
	images := make([]*Image, 0, len(all))
	for _, s := range all {
		m, err := a.savedImage(s)
		if err != nil {
			return nil, err
		}
		images = append(images, m)
	}
	return images, nil
}

func (a *Archive) savedImage(s saved) (*Image, error) {
	if len(s.Layers) > maxLayers {
		return nil, fmt.Errorf("%w: %d layers; at most %d are read", ErrNotAnImage, len(s.Layers), maxLayers)
	}
	var config v1.ConfigFile
	if err := a.decode(path.Clean(s.Config), &config); err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	m := &Image{Names: s.RepoTags, Digest: digestInName(s.Config), ID: digestInName(s.Config)}
	for _, name := range s.Layers {
		name = path.Clean(name)
		e, ok := a.find(name)
		if !ok {
			return nil, fmt.Errorf("layer %s is not in the archive", name)
		}
		m.Layers = append(m.Layers, Layer{Digest: digestInName(name), Size: e.size, Open: func(context.Context) (io.ReadCloser, error) {
			r, _, err := a.open(name)
			return r, err
		}})
	}
	return m, m.Describe(&config)
}

// digestName is a file whose name is its digest: "blobs/sha256/HEX",
// "HEX.tar.gz", "sha256:HEX". "HEX/layer.tar", as Docker wrote it before version
// 25, is an identifier of another kind, and so is HEX.tar.
var digestName = regexp.MustCompile(`^(?:blobs/sha256/|sha256:)?([0-9a-f]{64})(?:\.tar\.gz|\.tar\.zst|\.json)?$`)

func digestInName(name string) string {
	if m := digestName.FindStringSubmatch(name); m != nil {
		return "sha256:" + m[1]
	}
	return ""
}

// nameDocker gives the images of a layout the tags that docker save kept beside
// it: an image is known by its configuration.
func (a *Archive) nameDocker(images []*Image) {
	all, err := a.saved()
	if err != nil {
		return // the layout has all else
	}
	for _, s := range all {
		for _, m := range images {
			if m.ID == digestInName(s.Config) && len(s.RepoTags) > 0 {
				m.Names = s.RepoTags
			}
		}
	}
}
