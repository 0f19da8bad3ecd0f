#!/usr/bin/env bash
# What the tests use beside Go: PostgreSQL, Chromium, npm, the az CLI,
# the judges of version comparison (rpm, ruby, php), and that of packet filters
# (nft). On
# Debian as root it installs them; elsewhere it says in one line what is missing.
set -euo pipefail

declare -A package=([postgres]=postgresql [chromium]=chromium [npm]=npm [az]=azure-cli [rpm]=rpm [ruby]=ruby [php]=php-cli [nft]=nftables)
missing=()
for tool in postgres chromium npm az rpm ruby php nft; do
  case $tool in
    postgres) compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || command -v initdb >/dev/null || missing+=("$tool") ;;
    nft) [ -x "/usr/sbin/$tool" ] || missing+=("$tool") ;;
    *) command -v "$tool" >/dev/null || missing+=("$tool") ;;
  esac
done
[ ${#missing[@]} -eq 0 ] && exit 0

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  echo "setup: not found: ${missing[*]}; tests that need them are skipped" >&2
  exit 0
fi
names=()
for tool in "${missing[@]}"; do names+=("${package[$tool]}"); done
echo "setup: installing ${names[*]}" >&2
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends "${names[@]}" >/dev/null
