#!/usr/bin/env bash
# Builds the unchanged Dockerfile with buildah, on a debian:bookworm-slim made here by debootstrap: no engine, no registry of
# images. Then runs the image as people do: as its user, read-only, with one volume. Needs root.
set -euo pipefail
cd "$(dirname "$0")/../.."
work=${FB_IMAGE_DIR:-$PWD/build-image}
mkdir -p "$work"
export CONTAINERS_STORAGE_CONF=$work/storage.conf

say() { printf '\033[1m== %s\033[0m\n' "$*"; }

storage() {
    cat >"$CONTAINERS_STORAGE_CONF" <<END
[storage]
driver = "${FB_STORAGE_DRIVER:-overlay}"
graphroot = "$work/store"
runroot = "$work/run"
END
}

# The base image as Docker's official one is made: minimal, without documentation, with this machine's package sources.
base() {
    local root=$work/rootfs container
    buildah inspect --type image debian:bookworm-slim >/dev/null 2>&1 && return
    say "making debian:bookworm-slim"
    [ -d "$root/etc" ] || debootstrap --variant=minbase bookworm "$root" >"$work/debootstrap.log"
    rm -f "$root/etc/apt/sources.list"
    cp /etc/apt/sources.list.d/*.sources "$root/etc/apt/sources.list.d/" 2>/dev/null || cp /etc/apt/sources.list "$root/etc/apt/"
    cp /etc/apt/apt.conf.d/* "$root/etc/apt/apt.conf.d/" 2>/dev/null || true
    printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
    chmod 755 "$root/usr/sbin/policy-rc.d"
    printf 'path-exclude /usr/share/%s/*\n' doc man locale info >"$root/etc/dpkg/dpkg.cfg.d/slim"
    rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/* "$root"/usr/share/{man,info,locale}/*
    container=$(buildah from scratch)
    buildah add -q "$container" "$root" / >/dev/null
    buildah config --cmd bash --env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$container"
    buildah commit -q "$container" docker.io/library/debian:bookworm-slim >/dev/null
    buildah rm "$container" >/dev/null
}

storage
base
say "building front-bridge"
buildah bud --pull-never --isolation chroot --layers --format docker -t front-bridge .
say "running the demo in it"
container=$(buildah from --pull-never front-bridge)
trap 'buildah rm "$container" >/dev/null' EXIT
buildah run --isolation chroot "$container" -- front-bridge version
buildah run --isolation chroot "$container" -- front-bridge demo --once
say "the image: $(buildah images --format '{{.Size}}' front-bridge)"
