#!/usr/bin/env bash
# Builds the unchanged Dockerfile with buildah, on a debian:bookworm-slim made here by debootstrap: no engine, no registry of
# images. Then tests the image. Needs root. What it makes is kept in build-image/, so that the next time is quicker.
set -euo pipefail
cd "$(dirname "$0")/../.."
work=${FB_IMAGE_DIR:-$PWD/build-image}

say() { printf '\033[1m== %s\033[0m\n' "$*"; }

if [ "$(id -u)" != 0 ]; then
    echo "Making an image without an engine needs root: sudo ./dev image (or, with an engine: docker build -t front-bridge .)" >&2
    exit 1
fi

# Layers are stored as overlays, or as copies where this file system is one itself.
driver() {
    local try=$work/try
    mkdir -p "$try"/{lower,upper,work,merged}
    if mount -t overlay overlay -o "lowerdir=$try/lower,upperdir=$try/upper,workdir=$try/work" "$try/merged" 2>/dev/null; then
        umount "$try/merged"
        echo overlay
    else
        echo vfs
    fi
    rm -rf "$try"
}

mkdir -p "$work"
export CONTAINERS_STORAGE_CONF=$work/storage.conf
[ -f "$CONTAINERS_STORAGE_CONF" ] || cat >"$CONTAINERS_STORAGE_CONF" <<CONF
[storage]
driver = "$(driver)"
graphroot = "$work/store"
runroot = "$work/run"
CONF

say "making debian:bookworm-slim, unless it is there"
timeout 900 tests/image/base.sh "$work"
say "building front-bridge, with its unit tests"
timeout 3600 buildah bud --pull-never --isolation chroot --layers --format docker -t front-bridge .
say "testing the image"
timeout 900 /usr/bin/python3 -m pytest -q -ra -s "$@" tests/image
