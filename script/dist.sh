#!/usr/bin/env bash
# Archives for linux, windows and darwin, and an OCI image layout as a tar that
# any container engine loads. No container engine is needed to make it.
set -euo pipefail
cd "$(dirname "$0")/.."
version=$1
rm -rf dist && mkdir -p dist
for target in linux/amd64 linux/arm64 windows/amd64 darwin/amd64 darwin/arm64; do
  os=${target%/*} arch=${target#*/} ext=
  [ "$os" = windows ] && ext=.exe
  dir=dist/rampart_${version}_${os}_${arch}
  mkdir -p "$dir"
  for cmd in cmd/*/; do
    CGO_ENABLED=0 GOOS=$os GOARCH=$arch go build -trimpath -ldflags "-s -w -X main.version=$version" \
      -o "$dir/$(basename "$cmd")$ext" "./$cmd"
  done
  cp LICENSE README.md "$dir/"
  tar -C dist --owner=0 --group=0 --sort=name --mtime='2020-01-01' -czf "$dir.tar.gz" "$(basename "$dir")"
done
script/oci-image.sh "$version" "dist/rampart_${version}_linux_amd64/rampart" "dist/rampart_${version}_oci.tar"
(cd dist && sha256sum *.tar.gz *.tar > SHA256SUMS)
ls -l dist/*.tar* >&2
