"""Measures front-bridge beside its peers on this machine and prints one table: ./dev bench [PART…] [--json FILE]."""
import argparse
import datetime
import json
import os
import pathlib
import platform
import shutil
import signal
import sys
import tempfile
import time

import parts
import processes


def sync_ms(folder):
    """What the disk takes to keep one page: the floor under every durable answer."""
    times = []
    with open(folder / "probe", "wb", buffering=0) as f:
        for _ in range(200):
            start = time.perf_counter()
            f.write(bytes(4096))
            os.fdatasync(f.fileno())
            times.append(time.perf_counter() - start)
    (folder / "probe").unlink()
    return sorted(times)[len(times) // 2] * 1000


def machine(folder):
    model = [l.split(":", 1)[1].strip() for l in pathlib.Path("/proc/cpuinfo").read_text().splitlines() if l.startswith("model name")]
    memory = int(pathlib.Path("/proc/meminfo").read_text().split()[1]) / 2**20
    return (
        f"{datetime.date.today()}, {os.cpu_count()} × {model[0] if model else platform.machine()}, {memory:.0f} GiB, "
        f"Linux {platform.release()}, fdatasync of a page {sync_ms(folder):.2f} ms, load average {os.getloadavg()[0]:.1f}"
    )


def number(row):
    value = row["value"]
    if value is None:
        return "-"
    digits = 0 if abs(value) >= 1000 or float(value).is_integer() else 2 if abs(value) < 100 else 1
    return f"{value:,.{digits}f} {row['unit']}".strip()


def print_table(results, about):
    print(f"\n{about}")
    for part, rows in results.items():
        print(f"\n{part}")
        for row in rows:
            verdict = {True: "reached", False: "MISSED", None: ""}[row["is_met"]]
            goal = f"{row['goal']} {verdict}".strip()
            print(f"  {row['what']:<46} {number(row):>16}  {goal:<18} {row['note']}".rstrip())
    print(flush=True)


def run(names, folder):
    results = {}
    for name in names:
        print(f"== {name}", file=sys.stderr, flush=True)
        start = time.monotonic()
        rows = results.setdefault(name, [])
        try:
            rows.extend(parts.PARTS[name](folder))
        except (RuntimeError, OSError) as e:
            rows.append(parts.row("failed", None, "", str(e)))
        processes.stop_all()
        print(f"   {time.monotonic() - start:.0f} s", file=sys.stderr, flush=True)
    return results


def main():
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__)
    parser.add_argument("part", metavar="PART", nargs="*", choices=[*parts.PARTS, []], help=f"what to measure (default: all): {', '.join(parts.PARTS)}")
    parser.add_argument("--json", metavar="FILE", help="write the figures there too")
    parser.add_argument("--keep", action="store_true", help="keep the folder with stores and logs")
    options = parser.parse_args()
    (processes.BUILD / "bench").mkdir(exist_ok=True)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="run-", dir=processes.BUILD / "bench"))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        about = machine(folder)
        results = run(options.part or parts.PARTS, folder)
        print_table(results, about)
        if options.json:
            pathlib.Path(options.json).write_text(json.dumps({"machine": about, "parts": results}, indent=1) + "\n")
    finally:
        processes.stop_all()
        if options.keep:
            print(f"kept {folder}", file=sys.stderr)
        else:
            shutil.rmtree(folder, ignore_errors=True)
    is_failed = any(row["what"] == "failed" for rows in results.values() for row in rows)
    return 1 if is_failed else 0


if __name__ == "__main__":
    sys.exit(main())
