#!/usr/bin/env bash
# Writes an OCI image layout (image-spec 1.1) with one layer, the static binary.
# usage: oci-image.sh VERSION BINARY OUT.tar
set -euo pipefail
version=$1 binary=$2 out=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/root/usr/local/bin" "$work/root/var/lib/rampart" "$work/oci/blobs/sha256"
install -m 0755 "$binary" "$work/root/usr/local/bin/rampart"
tar -C "$work/root" --owner=65532 --group=65532 --numeric-owner --sort=name --mtime='2020-01-01' -cf "$work/layer.tar" usr var
diff_id=$(sha256sum "$work/layer.tar" | cut -d' ' -f1)
gzip -n -9 "$work/layer.tar"

blob() { # moves a file into the layout, prints "digest size"
  local digest size
  digest=$(sha256sum "$1" | cut -d' ' -f1) size=$(stat -c %s "$1")
  mv "$1" "$work/oci/blobs/sha256/$digest"
  echo "$digest $size"
}
read -r layer layer_size < <(blob "$work/layer.tar.gz")
cat > "$work/config" <<J
{"architecture":"amd64","os":"linux","config":{"User":"65532:65532","Entrypoint":["/usr/local/bin/rampart"],"Cmd":["up","--data","/var/lib/rampart","--no-agent","--listen","0.0.0.0:8443","--dashboard","off"],"ExposedPorts":{"8443/tcp":{}},"Volumes":{"/var/lib/rampart":{}},"Labels":{"org.opencontainers.image.title":"rampart","org.opencontainers.image.version":"$version","org.opencontainers.image.licenses":"Apache-2.0"}},"rootfs":{"type":"layers","diff_ids":["sha256:$diff_id"]}}
J
read -r config config_size < <(blob "$work/config")
cat > "$work/manifest" <<J
{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:$config","size":$config_size},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"sha256:$layer","size":$layer_size}]}
J
read -r manifest manifest_size < <(blob "$work/manifest")
printf '{"imageLayoutVersion":"1.0.0"}' > "$work/oci/oci-layout"
printf '{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:%s","size":%s,"platform":{"architecture":"amd64","os":"linux"},"annotations":{"org.opencontainers.image.ref.name":"rampart:%s"}}]}' "$manifest" "$manifest_size" "$version" > "$work/oci/index.json"
tar -C "$work/oci" --owner=0 --group=0 --sort=name --mtime='2020-01-01' -cf "$out" .
