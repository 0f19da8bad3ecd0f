package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// blobs are the files of an OCI layout, in an archive or in a folder.
type blobs interface {
	open(name string) (io.ReadCloser, int64, error)
}

// OpenLayout opens an OCI layout in a folder.
func OpenLayout(dir string) ([]*Image, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	images, err := readLayout(&folder{root})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	if len(images) == 0 {
		return nil, fmt.Errorf("%s: %w: its index names none", dir, ErrNotAnImage)
	}
	return images, nil
}

// IsLayout says whether a folder is an OCI layout.
func IsLayout(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "oci-layout"))
	_, err2 := os.Stat(filepath.Join(dir, "index.json"))
	return err == nil && err2 == nil
}

// folder opens files of a layout; links out of it are not followed.
type folder struct{ root *os.Root }

func (f *folder) open(name string) (io.ReadCloser, int64, error) {
	file, err := f.root.Open(filepath.FromSlash(name))
	if err != nil {
		return nil, 0, err
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("not a regular file")
	}
	if err != nil {
		return nil, 0, errors.Join(err, file.Close())
	}
	return file, info.Size(), nil
}

func readLayout(b blobs) ([]*Image, error) {
	r, _, err := b.open("index.json")
	if err != nil {
		return nil, err
	}
	var index v1.IndexManifest
	err = errors.Join(decode(r, &index), r.Close())
	if err != nil {
		return nil, fmt.Errorf("index.json: %w", err)
	}
	var images []*Image
	err = eachManifest(b, &index, 0, func(d v1.Descriptor, name string) error {
		if len(images) >= maxImages {
			return fmt.Errorf("%w: its index names more than %d images", ErrNotAnImage, maxImages)
		}
		m, err := layoutImage(b, d)
		if m != nil {
			if name != "" {
				m.Names = append(m.Names, name)
			}
			images = append(images, m)
		}
		return err
	})
	return images, err
}

// Annotations that are read (OCI image specification, annotations.md; BuildKit's
// attestation storage).
const (
	annotationName      = "org.opencontainers.image.ref.name"
	annotationContainer = "io.containerd.image.name"
	annotationReference = "vnd.docker.reference.type"
)

// eachManifest calls each with the manifests of an index and of those in it.
func eachManifest(b blobs, index *v1.IndexManifest, depth int, each func(d v1.Descriptor, name string) error) error {
	if depth > maxNesting {
		return fmt.Errorf("%w: indexes nest too deep", ErrNotAnImage)
	}
	for _, d := range index.Manifests {
		name := d.Annotations[annotationContainer]
		if name == "" {
			name = d.Annotations[annotationName]
		}
		switch {
		case IsAttestation(d):
		case d.MediaType.IsIndex():
			var inner v1.IndexManifest
			if err := blob(b, d, &inner); err != nil {
				return err
			}
			err := eachManifest(b, &inner, depth+1, func(d v1.Descriptor, own string) error {
				if own == "" {
					own = name
				}
				return each(d, own)
			})
			if err != nil {
				return err
			}
		case d.MediaType.IsImage():
			if err := each(d, name); err != nil {
				return err
			}
		}
	}
	return nil
}

// IsAttestation says whether a descriptor of an index names something about an
// image, and no image: provenance, signatures, SBOMs.
func IsAttestation(d v1.Descriptor) bool {
	artifact := d.ArtifactType != "" && d.ArtifactType != string(types.OCIConfigJSON) && d.ArtifactType != string(types.DockerConfigJSON)
	if d.Annotations[annotationReference] != "" || artifact {
		return true
	}
	return d.Platform != nil && d.Platform.OS == "unknown"
}

// blob decodes a document and checks its digest: what is not what it says is not
// read.
func blob(b blobs, d v1.Descriptor, v any) error {
	name := "blobs/" + d.Digest.Algorithm + "/" + d.Digest.Hex
	r, size, err := b.open(name)
	if err != nil {
		return err
	}
	defer r.Close() //nolint:errcheck // only read
	if size != d.Size {
		return fmt.Errorf("%s has %d bytes where %d were announced", d.Digest, size, d.Size)
	}
	got, _, err := v1.SHA256(io.LimitReader(r, maxManifest))
	if err != nil {
		return err
	}
	if got != d.Digest {
		return fmt.Errorf("%s has the digest %s", d.Digest, got)
	}
	again, _, err := b.open(name)
	if err != nil {
		return err
	}
	defer again.Close() //nolint:errcheck // only read
	if err := decode(again, v); err != nil {
		return fmt.Errorf("%s: %w", d.Digest, err)
	}
	return nil
}

// layoutImage reads a manifest; nil if it is an artifact and no image.
func layoutImage(b blobs, d v1.Descriptor) (*Image, error) {
	var manifest v1.Manifest
	if err := blob(b, d, &manifest); err != nil {
		return nil, fmt.Errorf("manifest %w", err)
	}
	if !IsImage(&manifest) {
		return nil, nil
	}
	m := &Image{Digest: d.Digest.String(), ID: manifest.Config.Digest.String()}
	if err := m.Take(&manifest, func(ctx context.Context, l v1.Descriptor) (io.ReadCloser, error) {
		r, _, err := b.open("blobs/" + l.Digest.Algorithm + "/" + l.Digest.Hex)
		return r, err
	}); err != nil {
		return nil, err
	}
	var config v1.ConfigFile
	if err := blob(b, manifest.Config, &config); err != nil {
		return nil, fmt.Errorf("configuration %w", err)
	}
	return m, m.Describe(&config)
}

// IsImage says whether a manifest is an image's, by the media type of its
// configuration: artifacts (charts, signatures, SBOMs) have others.
func IsImage(m *v1.Manifest) bool {
	return m.Config.MediaType == types.OCIConfigJSON || m.Config.MediaType == types.DockerConfigJSON
}

// Take gives an image the layers of its manifest. Foreign layers keep their place
// and are never opened.
func (m *Image) Take(manifest *v1.Manifest, open func(context.Context, v1.Descriptor) (io.ReadCloser, error)) error {
	if len(manifest.Layers) > maxLayers {
		return fmt.Errorf("%w: %d layers; at most %d are read", ErrNotAnImage, len(manifest.Layers), maxLayers)
	}
	for _, l := range manifest.Layers {
		m.Layers = append(m.Layers, Layer{Digest: l.Digest.String(), Size: l.Size, Foreign: !l.MediaType.IsDistributable() || len(l.URLs) > 0,
			Open: func(ctx context.Context) (io.ReadCloser, error) { return open(ctx, l) }})
	}
	return nil
}
