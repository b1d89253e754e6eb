"""What is in the image, and what is not."""
import pathlib
import re
import subprocess

import pytest
from container import CHANNELS, IMAGE, QUIET, inspect_image, podman

BASE = "docker.io/library/debian:bookworm-slim"
OURS_MAX = 40 << 20  # bytes, above the base image


@pytest.fixture(scope="module")
def root():
    """The image's file system, to look at."""
    yield pathlib.Path(podman("image", "mount", IMAGE).stdout.strip())
    podman("image", "umount", IMAGE)


def in_image(image, *command):
    run = ["run", "--rm", "--no-healthcheck", *QUIET, "--network", "none", "--read-only"]
    return podman(*run, "--entrypoint", command[0], image, *command[1:]).stdout


def test_its_size():
    whole, base = inspect_image()["Size"], inspect_image(BASE)["Size"]
    print(f"\nthe image: {whole / 1e6:.1f} MB, of which {(whole - base) / 1e6:.1f} MB are not debian:bookworm-slim")
    assert whole - base < OURS_MAX


def test_how_it_is_run():
    config = inspect_image()["Config"]
    assert config["User"] == "front-bridge"
    assert config["Entrypoint"] == ["front-bridge"] and config["Cmd"] == ["run"]
    assert list(config["Volumes"]) == ["/var/lib/front-bridge"]
    assert list(config["ExposedPorts"]) == ["8080/tcp"]
    assert inspect_image()["Healthcheck"]["Test"] == ["CMD", "front-bridge", "health"]
    assert {line.split("=")[0] for line in config["Env"]} == {"PATH", "TMPDIR"}  # and so no secret


def test_every_library_is_there():
    programs = ["/usr/bin/front-bridge", *(f"{CHANNELS}/{name}.so" for name in ("http", "exec", "template"))]
    listed = in_image(IMAGE, "ldd", *programs)
    assert "not found" not in listed and "libcurl.so.4 => /" in listed, listed


def test_no_library_is_there_for_nothing(root):
    """Each package that the Dockerfile asks for has a library that one of our files names itself."""
    asked = set(in_image(IMAGE, "apt-mark", "showmanual").split()) - set(in_image(BASE, "apt-mark", "showmanual").split())
    files = [root / "usr/bin/front-bridge", *(root / CHANNELS.lstrip("/")).glob("*.so")]
    dynamic = subprocess.run(["readelf", "-d", *files], capture_output=True, text=True, check=True).stdout
    needed = sorted(set(re.findall(r"\(NEEDED\).*\[(.+)\]", dynamic)))
    owners = {line.split(":")[0] for line in in_image(IMAGE, "dpkg", "-S", *(f"*/{name}" for name in needed)).splitlines()}
    assert asked - owners == {"ca-certificates"}


def test_it_is_built_hardened_and_stripped(root):
    for file in [root / "usr/bin/front-bridge", *(root / CHANNELS.lstrip("/")).glob("*.so")]:
        elf = subprocess.run(["readelf", "-WdlS", file], capture_output=True, text=True, check=True).stdout
        assert "BIND_NOW" in elf and "GNU_RELRO" in elf and ".symtab" not in elf, file
        assert "RUNPATH" not in elf and "RPATH" not in elf, file


def test_no_tools_no_sources_and_no_secrets(root):
    for name in ("cc", "gcc", "c++", "ld", "make", "cmake", "ninja", "python3", "git", "curl", "ssh"):
        assert not (root / "usr/bin" / name).exists(), name
    for folder in ("src", "out", "root/.cache"):
        assert not (root / folder).exists(), folder
    for folder in ("tmp", "var/lib/front-bridge", "var/lib/apt/lists", "home"):
        assert not list((root / folder).iterdir()), folder
    assert not list((root / "etc").glob("front-bridge*"))


def test_only_root_may_change_what_runs(root):
    for path in [root / "usr/bin/front-bridge", root / CHANNELS.lstrip("/"), *(root / CHANNELS.lstrip("/")).iterdir()]:
        assert path.stat().st_uid == 0 and not path.stat().st_mode & 0o6022, path
    assert (root / "var/lib/front-bridge").stat().st_uid == 10001
