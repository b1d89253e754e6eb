"""The processes of a run: the bridge, its backend, the peers and the load. All on 127.0.0.1, all ended by their pid."""
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time

HERE = pathlib.Path(__file__).resolve().parent
BUILD = pathlib.Path(os.environ.get("FRONT_BRIDGE_BUILD", HERE.parents[1] / "build"))
BINARY = BUILD / "front-bridge"
SECRET = "the-company-api-secret"
TOKEN = "the-api-token"
WEBHOOK_SECRET = "whsec_c2VjcmV0LW9mLXRoZS1jaGF0LXN5c3RlbQ=="

running = []


class Missing(Exception):
    """A peer that this machine does not have."""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(check, seconds, what, step=0.005):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = check()
        if value:
            return value
        time.sleep(step)
    raise RuntimeError(f"{what}: not within {seconds} s")


def is_listening(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


def request(port, path, method="GET", body=None, headers=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def pss_mb(pid):
    """Proportional set size in MB: private memory, and this process's share of what others map too."""
    for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"no Pss of {pid}")


def cpu_s(pid):
    """CPU seconds of every thread so far, by its name."""
    times = {}
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        text = (task / "stat").read_text()
        name, rest = text[text.index("(") + 1 : text.rindex(")")], text[text.rindex(")") + 2 :].split()
        times[name] = times.get(name, 0) + (int(rest[11]) + int(rest[12])) / os.sysconf("SC_CLK_TCK")
    return times


class Process:
    def __init__(self, args, log, **options):
        self.log = open(log, "ab")
        self.popen = subprocess.Popen([str(a) for a in args], stdin=subprocess.DEVNULL, stderr=self.log, **options)
        self.pid = self.popen.pid
        running.append(self)

    def stop(self, seconds=30):
        if self in running:
            running.remove(self)
        if self.popen.poll() is None:
            self.popen.send_signal(signal.SIGTERM)
            try:
                self.popen.wait(seconds)
            except subprocess.TimeoutExpired:
                self.popen.kill()
                self.popen.wait()
        self.log.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def stop_all():
    for process in list(running):
        process.stop()


class Sink(Process):
    """A backend that answers every delivery at once."""

    def __init__(self, folder, port=0, track=None):
        args = [BUILD / "bench" / "bench_sink", f"127.0.0.1:{port}", *([track] if track else [])]
        super().__init__(args, folder / "sink.log", stdout=subprocess.PIPE)
        self.port = int(self.popen.stdout.readline())


class Bridge(Process):
    """front-bridge run, with the settings of the README and one channel; folder keeps its store."""

    def __init__(self, folder, backend_port, wait="0", api="http://127.0.0.1:9", wait_ready=True):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.port, self.admin_port = folder, free_port(), free_port()
        config = {
            "listen": f"127.0.0.1:{self.port}",
            "admin": {"listen": f"127.0.0.1:{self.admin_port}"},
            "store": str(folder / "store"),
            "limits": {"channel_quota": "64GiB"},
            "accounts": {"main": {"api": api, "token": TOKEN, "secrets": [SECRET], "rate": {"reserve": "0%"}}},
            "channels": {
                "bench": {
                    "account": "main",
                    "front_channel": "cha_1",
                    "adapter": "http",
                    "answer": {"wait": wait},
                    "settings": {"url": f"http://127.0.0.1:{backend_port}/deliver", "secret": WEBHOOK_SECRET},
                }
            },
        }
        (folder / "front-bridge.yaml").write_text(json.dumps(config))  # JSON is YAML too
        self.started_at = time.monotonic()
        super().__init__([BINARY, "run", "-c", folder / "front-bridge.yaml"], folder / "bridge.log", stdout=subprocess.DEVNULL)
        if wait_ready:
            wait_for(lambda: self.is_ready() and self.host_pid(), 60, "the bridge is not up")

    def is_ready(self):
        if self.popen.poll() is not None:
            raise RuntimeError(f"the bridge ended with {self.popen.returncode}, see {self.folder / 'bridge.log'}")
        try:
            return request(self.admin_port, "/readyz")[0] == 200
        except OSError:
            return False

    def host_pid(self):
        channel = json.loads(request(self.admin_port, "/api/v1/channels")[1])["channels"][0]
        return channel["pid"] if channel["status"] == "up" else 0

    def cli(self, *args):
        done = subprocess.run([BINARY, *map(str, args), "-c", self.folder / "front-bridge.yaml"], capture_output=True, text=True, timeout=300)
        if done.returncode != 0:
            raise RuntimeError(f"front-bridge {args[0]}: {done.stderr.strip()[-300:]}")

    def metric(self, name, **labels):
        total = 0.0
        for line in request(self.admin_port, "/metrics")[1].decode().splitlines():
            if line.split("{")[0].split(" ")[0] == name and all(f'{k}="{v}"' in line for k, v in labels.items()):
                total += float(line.rsplit(" ", 1)[1])
        return total

    def delivered(self):
        return int(self.metric("front_bridge_deliveries_total", outcome="delivered"))


class Nginx(Process):
    def __init__(self, folder):
        if not shutil.which("nginx"):
            raise Missing("nginx is not installed")
        self.port = free_port()
        folder.mkdir(parents=True, exist_ok=True)
        text = (HERE / "peers" / "nginx.conf.in").read_text()
        (folder / "nginx.conf").write_text(text.replace("@FOLDER@", str(folder)).replace("@PORT@", str(self.port)))
        super().__init__(["nginx", "-p", folder, "-c", folder / "nginx.conf"], folder / "log", stdout=subprocess.DEVNULL)
        wait_for(lambda: is_listening(self.port), 10, "nginx does not listen")
        children = pathlib.Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text()
        self.worker_pid = int(children.split()[0])


def install_hono():
    """The peer's packages, in the build folder; npm asks the network only the first time."""
    folder = BUILD / "bench" / "hono"
    folder.mkdir(parents=True, exist_ok=True)
    if not (shutil.which("node") and shutil.which("npm")):
        raise Missing("Node.js is not installed")
    shutil.copy(HERE / "peers" / "hono" / "server.mjs", folder)
    wanted = (HERE / "peers" / "hono" / "package.json").read_text()
    installed = folder / "installed.json"
    if not installed.exists() or installed.read_text() != wanted:
        (folder / "package.json").write_text(wanted)
        args = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts"]
        done = subprocess.run(args, cwd=folder, capture_output=True, text=True, timeout=300)
        if done.returncode != 0:
            raise Missing("npm could not install hono: " + done.stderr.strip().splitlines()[-1])
        installed.write_text(wanted)
    return folder


class Hono(Process):
    def __init__(self, folder, major):
        self.port = free_port()
        code = install_hono()
        folder.mkdir(parents=True, exist_ok=True)
        super().__init__(["node", code / "server.mjs", major, self.port, SECRET], folder / "log", stdout=subprocess.DEVNULL)
        wait_for(lambda: is_listening(self.port), 20, "the Node receiver does not listen")


class Sim(Process):
    """Front itself, simulated: 200 requests a minute, no burst, 5 a second for one channel."""

    def __init__(self, folder, limit):
        config = {"token": TOKEN, "rate": {"limit": limit, "burst": 0, "per_resource": 5}, "channels": [{"id": "cha_1", "kind": "custom", "inbox": "inb_1", "address": "bench"}]}
        (folder / "sim.json").write_text(json.dumps(config))
        (folder / "sim.port").unlink(missing_ok=True)  # of the one before
        args = [BINARY, "sim", "-c", folder / "sim.json", "--port-file", folder / "sim.port"]
        super().__init__(args, folder / "sim.log", stdout=subprocess.DEVNULL)
        wait_for((folder / "sim.port").exists, 10, "the simulator does not listen")
        self.port = int((folder / "sim.port").read_text())

    def journal(self, after=0):
        return json.loads(request(self.port, f"/sim/log?after={after}")[1])

    def calls(self, after=0):
        return [e for e in self.journal(after)["entries"] if e["kind"] == "api"]

    def last(self):
        return self.journal(1 << 40)["last"]

    def counts(self):
        """How often each call was answered with which status."""
        return self.journal(1 << 40)["counts"]


_next_message = [1]


def load(port, count, **options):
    """Runs the load generator and gives its report."""
    args = {"to": f"127.0.0.1:{port}", "path": "/front/bench", "secret": SECRET, "count": count, "first": _next_message[0], **options}
    _next_message[0] += count
    command = [BUILD / "bench" / "bench_load"]
    for key, value in args.items():
        command += [f"--{key}", str(value)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=600)
    if done.returncode != 0:
        raise RuntimeError("the load generator failed")
    report = json.loads(done.stdout)
    report["refused"] = report["sent"] - report["status"].get("200", 0)
    return report
