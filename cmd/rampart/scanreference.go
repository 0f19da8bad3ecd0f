package main

import (
	"context"
	"fmt"
	"os"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"

	"github.com/rampart-sec/rampart/internal/vuln/image/registry"
	"github.com/rampart-sec/rampart/internal/vuln/image/source"
)

// openReference opens an image of a registry, with the credentials that `docker
// login` left.
func openReference(ctx context.Context, f *imageFlags, pick source.Pick) (*source.Image, error) {
	ref, err := name.ParseReference(f.ref)
	if err != nil {
		return nil, fmt.Errorf("reference %.100q: %w", f.ref, err)
	}
	o := registry.Options{Registry: ref.Context().RegistryStr(), Insecure: *f.insecure || ref.Context().Scheme() == "http", Keychain: authn.DefaultKeychain}
	if *f.ca != "" {
		if o.CA, err = os.ReadFile(*f.ca); err != nil {
			return nil, err
		}
	}
	client, err := registry.New(o)
	if err != nil {
		return nil, err
	}
	repo := ref.Context().RepositoryStr()
	found, err := client.Resolve(ctx, repo, ref.Identifier())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.ref, err)
	}
	choices := make([]*source.Image, len(found))
	for i, one := range found {
		choices[i] = &source.Image{Digest: one.Digest, Platform: one.Platform}
	}
	chosen := choices[0]
	if len(choices) > 1 {
		if chosen, err = pick.From(choices); err != nil {
			return nil, fmt.Errorf("%s: %w", f.ref, err)
		}
	}
	m, err := client.Open(ctx, repo, chosen.Digest)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.ref, err)
	}
	m.Names = []string{f.ref}
	return m, nil
}
