"""The image as podman runs it, without a service manager: its user, a read-only root, no capabilities, one volume."""
import json
import os
import pathlib
import secrets
import socket
import subprocess
import time

from bridge import Bridge
from wait import until

IMAGE = "localhost/front-bridge"
PODMAN = ["podman", "--runtime", "/usr/sbin/runc", "--cgroup-manager", "cgroupfs", "--events-backend", "file"]
# Limits that are lower than this machine's, which podman cannot raise everywhere.
QUIET = ["--pull", "never", "--log-driver", "k8s-file", "--ulimit", "nofile=4096:4096", "--ulimit", "nproc=4096:4096"]
# As in the README, but for the network: the peers of these tests are on this machine's loopback.
RUN = [*QUIET, "--read-only", "--cap-drop", "all", "--security-opt", "no-new-privileges", "--network", "host"]
CHANNELS = "/usr/lib/front-bridge/channels"
VOLUME = "/var/lib/front-bridge"


def podman(*args, check=0, timeout=60):
    done = subprocess.run([*PODMAN, *map(str, args)], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout)
    if check is not None:
        assert done.returncode == check, f"{args}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done


def front_bridge(*args, **options):
    """One command in a container of its own, which leaves nothing behind."""
    return podman("run", "--rm", "--no-healthcheck", *RUN, IMAGE, *args, **options)


def inspect_image(image=IMAGE):
    return json.loads(podman("image", "inspect", image).stdout)[0]


class Container(Bridge):
    """A bridge in a container: what its peers do and what operators see is inherited, its life is podman's."""

    def __init__(self, folder, mounts=(), **options):
        self.mounts = mounts  # (file here, path there), read-only
        self.name = "front-bridge-test-" + secrets.token_hex(4)
        self.is_made = False
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.free_port = listener.getsockname()[1]
        super().__init__(folder, **options)
        podman("volume", "create", self.name)
        # A file as people have it: readable, and not the bridge's own.
        os.chmod(self.file, 0o644)
        self.store = pathlib.Path(podman("volume", "inspect", "--format", "{{.Mountpoint}}", self.name).stdout.strip())

    def write(self):
        self.config["store"] = VOLUME
        self.config["admin"] = {"listen": f"127.0.0.1:{self.free_port}"}  # health reads it in the configuration
        super().write()

    def run(self, name):
        """Starts a container and does not wait for it."""
        volumes = [f"{self.name}:{VOLUME}", f"{self.file}:/etc/front-bridge.yaml:ro"]
        volumes += [f"{here}:{there}:ro" for here, there in self.mounts]
        podman("run", "--detach", "--name", name, *RUN, *[word for v in volumes for word in ("--volume", v)], IMAGE)

    def start(self):
        (self.store / "ports").unlink(missing_ok=True)
        self.run(self.name)
        self.is_made = True
        ports = until(self.ports, 20, "the ports file")
        self.port, self.admin_port = ports["listen"], ports["admin"]
        until(self.is_up, 20, "all channels up")
        return self

    def ports(self):
        assert self.inspect("State.Running") == "true", self.logs()
        try:
            return json.loads((self.store / "ports").read_text())
        except (FileNotFoundError, ValueError):
            return None

    def inspect(self, key):
        return podman("container", "inspect", "--format", "{{." + key + "}}", self.name).stdout.strip()

    def logs(self):
        done = podman("logs", self.name)
        return done.stdout + done.stderr

    def execute(self, *command, check=0):
        return podman("exec", self.name, *command, check=check).stdout

    def stop(self, timeout=15):
        """SIGTERM, and what came of it: exit status and seconds. podman's own patience is longer than ours."""
        began = time.monotonic()
        podman("stop", "--time", "60", self.name, timeout=90)
        seconds = time.monotonic() - began
        assert seconds < timeout, self.logs()
        return int(self.inspect("State.ExitCode")), seconds

    def remove(self):
        podman("rm", "--force", "--time", "1", self.name)
        self.is_made = False

    def finish(self):
        if self.is_made:
            self.remove()
        podman("volume", "rm", self.name)
