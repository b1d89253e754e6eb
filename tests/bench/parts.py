"""What is measured, a function each: it takes the run's folder and yields rows for the table."""
import json
import os
import random
import shutil
import statistics
import sys
import time

import processes
from processes import Bridge, Hono, Missing, Nginx, Sim, Sink, load, pss_mb, request, wait_for

sys.path.insert(0, str(processes.HERE.parent / "support"))
import signing  # noqa: E402

REPEATS = 3
CONNECTIONS = 256
WARMUP_S, SECONDS = 2, 5
MILLION = 1_000_000
RATE_LIMIT, RATE_MINUTES = 200, 3


def row(what, value, unit, note="", at_least=None, at_most=None):
    goal = at_least if at_least is not None else at_most
    is_met = None if goal is None else (value >= goal if at_least is not None else value <= goal)
    sign = "≥" if at_least is not None else "≤"
    return {
        "what": what,
        "value": value,
        "unit": unit,
        "note": note,
        "goal": f"{sign} {goal:,}" if goal is not None else "",
        "is_met": is_met,
    }


def say(text):
    print(f"   {text}", file=sys.stderr, flush=True)


def in_turn(peers, repeats=REPEATS):
    """Runs every peer once, then all again, so that a slow minute of the machine hits all of them alike."""
    reports = {name: [] for name in peers}
    missing = {}
    for turn in range(repeats):
        for name, run in peers.items():
            if name in missing:
                continue
            try:
                reports[name].append(run(turn))
                say(f"{name}, turn {turn + 1}: {reports[name][-1]['per_second']:,.0f} per second")
            except Missing as e:
                missing[name] = str(e)
                say(f"{name}: {e}")
    return reports, missing


def median(reports, *path):
    def value(report):
        for key in path:
            report = report[key]
        return report

    return statistics.median(value(r) for r in reports)


def spread(reports):
    rates = [r["per_second"] for r in reports]
    return f"{min(rates):,.0f} to {max(rates):,.0f}"


# ---- callbacks -------------------------------------------------------------------------------------------------------


DOES = {
    "front-bridge": "verified, stored and synced, and delivered meanwhile",
    "Node, Hono on node-server 1": "verified and parsed, nothing stored",
    "Node, Hono on node-server 2": "verified and parsed, nothing stored",
    "nginx": "return 200: body read and thrown away",
}


def press(port, count, *pids):
    """Full load on a receiver; cpu_us is what its processes spent on a callback, by thread."""
    before = [processes.cpu_s(pid) for pid in pids]
    report = load(port, count, connections=CONNECTIONS, warmup=WARMUP_S, seconds=SECONDS)
    after = [processes.cpu_s(pid) for pid in pids]
    report["cpu_us"] = [
        {name: 1e6 * (s - was.get(name, 0)) / report["answered"] for name, s in now.items()} for was, now in zip(before, after)
    ]
    if report["refused"]:
        say(f"{report['refused']} were not answered 200: {report['status']}")
    return report


def press_bridge(folder, turn):
    place = folder / f"callbacks-{turn}"
    with Sink(folder) as sink, Bridge(place, sink.port) as b:
        report = press(b.port, 600_000, b.pid, b.host_pid())
        report["delivered"] = b.delivered()
    shutil.rmtree(place)
    return report


def press_hono(folder, major):
    with Hono(folder / "hono", major) as h:
        return press(h.port, 600_000, h.pid)


def press_nginx(folder):
    with Nginx(folder / "nginx") as n:
        return press(n.port, 1_500_000, n.worker_pid)


def cpu_note(reports):
    """Where a callback's CPU time goes: it hardly depends on what else the machine does, so it compares best."""
    runs = [r["cpu_us"] for r in reports if r["cpu_us"]]
    if not runs:
        return ""
    spent = sorted(runs, key=lambda r: sum(sum(p.values()) for p in r))[len(runs) // 2]
    if len(spent) == 1:
        return f"{sum(spent[0].values()):.0f} µs CPU each"
    loop, store, host = spent[0].get("front-bridge", 0), spent[0].get("store", 0), sum(spent[1].values())
    return f"{loop + store + host:.0f} µs CPU each: loop {loop:.0f}, store {store:.0f}, host {host:.0f}"


def callbacks(folder):
    """Front's side: how fast callbacks are answered, and by front-bridge also stored, while the backend takes them."""
    reports, missing = in_turn(
        {
            "front-bridge": lambda turn: press_bridge(folder, turn),
            "Node, Hono on node-server 1": lambda turn: press_hono(folder, 1),
            "Node, Hono on node-server 2": lambda turn: press_hono(folder, 2),
            "nginx": lambda turn: press_nginx(folder),
        }
    )
    for name, runs in reports.items():
        if not runs:
            yield row(name, None, "", missing.get(name, "failed"))
            continue
        yield row(name, median(runs, "per_second"), "per s", f"{DOES[name]}; {spread(runs)}")
        p50, p99 = median(runs, "answer_ms", "p50"), median(runs, "answer_ms", "p99")
        share = median(runs, "cpu_share")
        yield row("  p99", p99, "ms", f"p50 {p50:.1f} ms; load itself took {share:.2f} CPU; {cpu_note(runs)}".rstrip("; "))
    ours = reports["front-bridge"]
    yield row("not answered 200", sum(r["refused"] for r in ours), "", "of front-bridge's, in all turns", at_most=0)
    for major in (1, 2):
        theirs = reports[f"Node, Hono on node-server {major}"]
        if ours and theirs:
            times = median(ours, "per_second") / median(theirs, "per_second")
            yield row(f"front-bridge : node-server {major}", times, "×", "durable against not stored", at_least=5)


# ---- end to end ------------------------------------------------------------------------------------------------------


def end_to_end(folder):
    """A message's whole way: stored, delivered to a backend over HTTP, settled."""
    yield from held_until_settled(folder)
    yield from in_steady_flow(folder)
    yield from burst_until_settled(folder)


def held_until_settled(folder):
    """With answer.wait the answer comes after the settle: one number for all of it."""

    def run(turn):
        place = folder / f"held-{turn}"
        with Sink(folder) as sink, Bridge(place, sink.port, wait="5s") as b:
            report = load(b.port, 300_000, connections=CONNECTIONS, warmup=WARMUP_S, seconds=SECONDS)
            report["delivered"] = b.delivered()
        shutil.rmtree(place)
        return report

    runs = in_turn({"answer after the settle": run})[0]["answer after the settle"]
    yield row("wait 5s: stored, delivered, settled", median(runs, "per_second"), "per s", spread(runs), at_least=3000)
    yield row("  callback to answer, p50", median(runs, "answer_ms", "p50"), "ms", f"{CONNECTIONS} connections")
    yield row("  callback to answer, p99", median(runs, "answer_ms", "p99"), "ms")
    lost = sum(r["answered"] - r["delivered"] for r in runs)
    yield row("  answered but not delivered", lost, "", at_most=0)


def in_steady_flow(folder, rate=1000, seconds=8):
    """What one message takes while the bridge is not at its limit: that is what people feel."""
    count = rate * (WARMUP_S + seconds)
    place = folder / "flow"
    track = folder / "track"
    with open(track, "wb") as f:
        f.truncate(16 + 16 * count)
    options = {"connections": 64, "rate": rate, "warmup": WARMUP_S, "seconds": seconds}
    with Sink(folder, track=track) as sink:
        with Bridge(place, sink.port) as b:
            report = load(b.port, count, track=track, **options)
        shutil.rmtree(place)
        with Bridge(place, sink.port, wait="5s") as b:
            held = load(b.port, count, **options)
        shutil.rmtree(place)
    say(f"at {rate} per second: {report['answer_ms']} {report['arrival_ms']} {held['answer_ms']}")
    for what, times in (
        ("callback to durable answer", report["answer_ms"]),
        ("callback to backend", report["arrival_ms"]),
        ("callback to settled", held["answer_ms"]),
    ):
        yield row(f"at {rate:,} per s: {what}, p50", times["p50"], "ms")
        yield row(f"at {rate:,} per s: {what}, p99", times["p99"], "ms")


def burst_until_settled(folder, count=40_000):
    def run(turn):
        place = folder / f"burst-{turn}"
        with Sink(folder) as sink, Bridge(place, sink.port) as b:
            start = time.monotonic()
            report = load(b.port, count, connections=CONNECTIONS)
            start = time.monotonic() - report["seconds"] if report["seconds"] else start
            wait_for(lambda: b.delivered() >= report["answered"] - report["refused"], 120, "all are delivered", 0.02)
            report["per_second"] = count / (time.monotonic() - start)
        shutil.rmtree(place)
        return report

    runs = in_turn({"burst": run})[0]["burst"]
    note = f"{count:,} at once, until the last is settled; {spread(runs)}"
    yield row("wait 0: stored, delivered, settled", median(runs, "per_second"), "per s", note, at_least=3000)


# ---- backlog ---------------------------------------------------------------------------------------------------------

STEPS = (1_000, 100_000, 500_000, MILLION)
STEP_N = 50_000


class Backlog:
    """A million messages for a backend that is down, put in through the bridge's front door; made once per run."""

    place = None

    @classmethod
    def fill(cls, folder):
        if cls.place:
            return
        cls.place, cls.port, cls.steps, cls.n = folder / "backlog", processes.free_port(), {}, 0
        with Bridge(cls.place, cls.port) as b:
            for step in STEPS:
                load(b.port, step - cls.n, connections=CONNECTIONS)
                cls.steps[step] = report = load_with_cpu(b, STEP_N)
                cls.n = step + STEP_N
                say(f"{step:,} queued: {report['per_second']:,.0f} per second, {report['status']}")
            cls.pss, cls.host_pss = pss_mb(b.pid), pss_mb(b.host_pid())
            cls.metric_s = timed(lambda: request(b.admin_port, "/metrics"))
        cls.bytes = sum(f.stat().st_size for f in (cls.place / "store").iterdir() if f.is_file())


def timed(call):
    start = time.monotonic()
    call()
    return time.monotonic() - start


def load_with_cpu(bridge, count):
    before = sum(processes.cpu_s(bridge.pid).values())
    report = load(bridge.port, count, connections=CONNECTIONS)
    report["cpu_us"] = 1e6 * (sum(processes.cpu_s(bridge.pid).values()) - before) / count
    return report


def drain(bridge, seconds):
    """Settled per second once the first delivery got through, and the CPU time for each."""

    def spent():
        return sum(processes.cpu_s(bridge.pid).values()) + sum(processes.cpu_s(bridge.host_pid()).values())

    wait_for(lambda: bridge.delivered() > 0, 60, "the first delivery")
    delivered, cpu, start = bridge.delivered(), spent(), time.monotonic()
    time.sleep(seconds)
    n = bridge.delivered() - delivered
    return {"per_second": n / (time.monotonic() - start), "cpu_us": 1e6 * (spent() - cpu) / n}


def drain_small(folder):
    place, port = folder / "small", processes.free_port()
    with Bridge(place, port) as b:
        load(b.port, STEP_N, connections=CONNECTIONS)
    with Sink(folder, port), Bridge(place, port) as b:
        drained = drain(b, 2)
    shutil.rmtree(place)
    return drained


def backlog(folder):
    """Whether a message costs more because many others wait."""
    Backlog.fill(folder)
    steps = Backlog.steps
    for step in STEPS:
        note = f"the next {STEP_N:,}; {steps[step]['cpu_us']:.0f} µs CPU each, loop and store"
        yield row(f"accepted with {step:,} queued", steps[step]["per_second"], "per s", note)
    few, many = steps[STEPS[0]], steps[MILLION]
    yield row("accepting, a million : a thousand", many["per_second"] / few["per_second"], "×", at_least=0.8)
    yield row("  CPU time for it", many["cpu_us"] / few["cpu_us"], "×", "tells more where others use the machine too")
    yield row("not answered 200", sum(s["refused"] for s in steps.values()), "", at_most=0)
    yield row("store on disk", Backlog.bytes / 2**20, "MiB", f"{Backlog.bytes / Backlog.n:.0f} bytes a message")
    yield row("/metrics with a million queued", Backlog.metric_s * 1000, "ms")
    small = drain_small(folder)
    with Sink(folder, Backlog.port), Bridge(Backlog.place, Backlog.port) as b:
        full = drain(b, 8)
    for name, drained in (("thousands", small), ("a million", full)):
        yield row(f"settled, out of {name}", drained["per_second"], "per s", f"{drained['cpu_us']:.0f} µs CPU each, bridge and host")


# ---- memory and time to ready ------------------------------------------------------------------------------------------


def memory(folder):
    with Sink(folder) as sink, Bridge(folder / "idle", sink.port) as b:
        time.sleep(1)
        yield row("bridge, idle, Pss", pss_mb(b.pid), "MB", "no message yet", at_most=16)
        yield row("channel host, idle, Pss", pss_mb(b.host_pid()), "MB", "adapter http", at_most=8)
        load(b.port, 50_000, connections=CONNECTIONS)
        wait_for(lambda: b.delivered() >= 50_000, 120, "all are delivered", 0.05)
        yield row("bridge, after 50,000 messages, Pss", pss_mb(b.pid), "MB")
        yield row("channel host, after 50,000 messages, Pss", pss_mb(b.host_pid()), "MB", at_most=8)
    Backlog.fill(folder)
    yield row("bridge, a million queued, Pss", Backlog.pss, "MB", "right after taking them", at_most=32)
    yield row("channel host, a million queued, Pss", Backlog.host_pss, "MB", at_most=8)


def time_to_ready(place):
    with Bridge(place, processes.free_port(), wait_ready=False) as b:
        wait_for(b.is_ready, 60, "ready", 0.0005)
        ready = time.monotonic() - b.started_at
        wait_for(b.host_pid, 60, "the channel is up", 0.0005)
        return ready * 1000, (time.monotonic() - b.started_at) * 1000, pss_mb(b.pid)


def ready(folder):
    empty = []
    for turn in range(7):
        empty.append(time_to_ready(folder / f"empty-{turn}"))
    yield row("empty store: /readyz says 200", statistics.median(e[0] for e in empty), "ms", at_most=100)
    yield row("empty store: channel up", statistics.median(e[1] for e in empty), "ms")
    Backlog.fill(folder)
    full = [time_to_ready(Backlog.place) for _ in range(3)]
    yield row("a million queued: /readyz says 200", statistics.median(f[0] for f in full), "ms", at_most=1000)
    yield row("a million queued: channel up", statistics.median(f[1] for f in full), "ms")
    yield row("a million queued: Pss after the start", statistics.median(f[2] for f in full), "MB", at_most=32)


# ---- rate ------------------------------------------------------------------------------------------------------------


def hook(bridge, number):
    body = json.dumps(
        {
            "id": f"m-{number}",
            "conversation_id": f"room-{number % 20}",
            "sender": {"handle": f"customer-{number % 20}", "name": "Ada"},
            "text": f"Is it in stock? ({number})",
        }
    ).encode()
    headers = {"content-type": "application/json", **signing.webhook_headers(body, processes.WEBHOOK_SECRET, f"w-{number}")}
    status, answer = request(bridge.port, "/hooks/bench", "POST", body, headers)
    if status not in (200, 202):
        raise RuntimeError(f"the hook was answered {status} {answer!r}")


def rate(folder):
    """Customers write more than Front's allowance takes: how much of it is used."""
    allowance, seconds = RATE_LIMIT * RATE_MINUTES, 60 * RATE_MINUTES
    with Sim(folder, RATE_LIMIT) as sim, Bridge(folder / "rate", processes.free_port(), api=f"http://127.0.0.1:{sim.port}") as b:
        for number in range(allowance * 3 // 2):
            hook(b, number)
        say(f"{allowance * 3 // 2} messages wait; {RATE_MINUTES} minutes at {RATE_LIMIT} a minute")
        start = int(wait_for(sim.calls, 30, "the first call")[0]["at"])  # the simulator's minutes begin with a second
        time.sleep(max(0.0, start + seconds - time.time()))
        calls = [c for c in sim.calls() if c["at"] < start + seconds]
    limited = sum(c["status"] == 429 for c in calls)
    posted = sum(c["status"] == 202 for c in calls)
    used = len(calls) - limited
    note = f"{posted} messages posted (202) and {used - posted} other calls in {RATE_MINUTES} minutes at {RATE_LIMIT}, reserve 0%"
    yield row("allowance used", 100 * used / allowance, "%", note, at_least=98)
    yield row("answered 429", limited, "", at_most=0)


# ---- lanes -----------------------------------------------------------------------------------------------------------

HISTORY = 100_000
LANES = ((100, 40), (600, 100), (6000, 100))  # Front's allowance a minute, live messages that are timed


def write_history(folder):
    path = folder / "history.jsonl"
    with open(path, "w") as f:
        for n in range(HISTORY):
            line = {"id": f"h{n}", "created_at": 1_600_000_000 + n, "sender": {"handle": f"old-{n % 500}"}, "text": f"Long ago ({n})"}
            f.write(json.dumps(line) + "\n")
    return path


def live_delays_ms(bridge, sim, count, slot_s, dice):
    """From a customer's message at the hook to its request at Front, one message after the other, at odd moments."""

    def posted(after):
        return [c["at"] for c in sim.calls(after) if c["call"] == "incoming_messages"]

    delays = []
    for number in range(count):
        time.sleep(max(slot_s, 0.2) * dice.uniform(1.5, 3.5))  # fewer than Front's five a second for a channel
        last, sent_at = sim.last(), time.time()
        hook(bridge, 1000 + number)
        arrived = wait_for(lambda: posted(last), 60, "the live message reaches Front", 0.02)
        delays.append(1000 * (arrived[0] - sent_at))
    return delays


def timed_lanes(folder, limit, count, history):
    """The delays of live messages, and how many lines of history went meanwhile."""
    place, dice = folder / f"lanes-{limit}-{'with' if history else 'without'}", random.Random(limit)
    with Sim(folder, limit) as sim, Bridge(place, processes.free_port(), api=f"http://127.0.0.1:{sim.port}") as b:
        for number in range(20):  # the conversations are known to both sides before it begins
            hook(b, number)
        wait_for(lambda: sim.counts().get("message", {}).get("200", 0) >= 20, 90, "the conversations are learnt", 0.1)
        if history:
            took = timed(lambda: b.cli("import", history, "--no-wait"))
            say(f"{HISTORY:,} lines stored in {took:.1f} s")
            wait_for(lambda: "imported_messages" in sim.counts(), 90, "history moves", 0.1)
        before = sim.counts().get("imported_messages", {}).get("202", 0)
        delays = live_delays_ms(b, sim, count, 60 / limit, dice)
        counts = sim.counts()
    if any("429" in statuses for statuses in counts.values()):
        raise RuntimeError("Front refused a request for its rate")
    shutil.rmtree(place)
    return delays, counts.get("imported_messages", {}).get("202", 0) - before


def lanes(folder):
    """Whether a long history that is on its way to Front holds up what customers write now."""
    history = write_history(folder)
    for limit, count in LANES:
        slot_ms = 60_000 / limit
        alone, _ = timed_lanes(folder, limit, count, None)
        beside, lines = timed_lanes(folder, limit, count, history)
        note = f"{count} messages; {lines:,} of {HISTORY:,} lines went meanwhile"
        for what, delays, about in (("alone", alone, ""), (f"beside {HISTORY:,} lines", beside, note)):
            say(f"at {limit} a minute, {what}: {sorted(round(d) for d in delays)}")
            yield row(f"at {limit:,} a minute, {what}: median", statistics.median(delays), "ms", about)
            yield row("  most", max(delays), "ms")
        for what, of in (("median", statistics.median), ("most", max)):
            yield row(f"  history adds to the {what}", of(beside) - of(alone), "ms", "the goal is one slot", at_most=slot_ms)


PARTS = {
    "callbacks": callbacks,
    "end-to-end": end_to_end,
    "backlog": backlog,
    "memory": memory,
    "ready": ready,
    "rate": rate,
    "lanes": lanes,
}
