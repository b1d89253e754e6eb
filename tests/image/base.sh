#!/usr/bin/env bash
# Makes the image debian:bookworm-slim in the storage of $CONTAINERS_STORAGE_CONF, as Debian's own is made (minimal, without
# documentation), and leaves its parts in the folder that is named. Needs root, buildah and debootstrap.
set -euo pipefail
work=$1 root=$1/rootfs
buildah inspect --type image debian:bookworm-slim >/dev/null 2>&1 && exit

rm -rf "$root"
debootstrap --variant=minbase bookworm "$root" >"$work/debootstrap.log" || { tail "$work/debootstrap.log" >&2; exit 1; }

rm "$root/etc/apt/sources.list"
cat >"$root/etc/apt/sources.list.d/debian.sources" <<'SOURCES'
Types: deb
URIs: http://deb.debian.org/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://deb.debian.org/debian-security
Suites: bookworm-security
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
SOURCES
# How this machine reaches the archive, such as its proxy.
apt-config dump | grep '^Acquire::' >"$root/etc/apt/apt.conf.d/90acquire"
cat >"$root/etc/apt/apt.conf.d/docker-clean" <<'APT'
DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/archives/partial/*.deb || true"; };
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
APT
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"
printf 'path-exclude /usr/share/%s/*\n' doc man locale info >"$root/etc/dpkg/dpkg.cfg.d/slim"
rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/cache/apt/*.bin "$root"/var/lib/apt/lists/* \
    "$root"/usr/share/{doc,man,info,locale}/* "$root"/var/log/*.log "$root"/var/log/apt

container=$(buildah from scratch)
buildah add -q "$container" "$root" / >/dev/null
buildah config --cmd bash --env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$container"
buildah commit -q "$container" docker.io/library/debian:bookworm-slim >/dev/null
buildah rm "$container" >/dev/null
rm -rf "$root"
