"""What `cmake --install` leaves works wherever it is put, and is enough to build an adapter with."""
import os
import subprocess

import pytest
from bridge import BINARY, ROOT


def run(*command, **options):
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=120, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def prefix(tmp_path_factory):
    there = tmp_path_factory.mktemp("prefix")
    run("cmake", "--install", BINARY.parent, "--prefix", there)
    return there


def test_it_finds_its_adapters(prefix):
    run(prefix / "bin/front-bridge", "demo", "--once", cwd="/")


def is_an_adapter(prefix, name, tmp_path):
    """check loads it, from where the install put it."""
    file = tmp_path / "front-bridge.yaml"
    file.write_text(
        f"store: {tmp_path}/store\naccounts: {{main: {{token: t, secrets: [s]}}}}\n"
        f"channels: {{support: {{account: main, front_channel: cha_1, adapter: {name},\n"
        f"  settings: {{path: {tmp_path}/chat.txt, token: the-token-of-tests}}}}}}\n"
    )
    run(prefix / "bin/front-bridge", "check", "-c", file)


def test_an_adapter_by_pkg_config(prefix, tmp_path):
    (pc,) = prefix.glob("lib/**/front-bridge.pc")
    env = {**os.environ, "PKG_CONFIG_PATH": str(pc.parent)}
    flags = run("pkg-config", "--cflags", "front-bridge", env=env).split()
    there = run("pkg-config", "--variable=channelsdir", "front-bridge", env=env).strip()
    run("cc", "-shared", "-fPIC", *flags, ROOT / "channels/template/template.c", "-o", there + "/byflags.so")
    is_an_adapter(prefix, "byflags", tmp_path)


def test_an_adapter_by_cmake(prefix, tmp_path):
    (tmp_path / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.25)\nproject(mychat C)\nfind_package(front_bridge REQUIRED)\n"
        f"front_bridge_add_channel(bycmake {ROOT}/channels/template/template.c)\n"
    )
    run("cmake", "-S", tmp_path, "-B", tmp_path / "build", f"-DCMAKE_PREFIX_PATH={prefix}")
    run("cmake", "--build", tmp_path / "build")
    run("cmake", "--install", tmp_path / "build")
    is_an_adapter(prefix, "bycmake", tmp_path)
