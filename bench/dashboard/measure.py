"""Measures a page that serves many runs: measure.py PID URL FOLDER. Prints a table."""
import http.client
import json
import os
import sys
import threading
import time
from urllib.parse import parse_qs, urlparse

pid, url, folder = int(sys.argv[1]), urlparse(sys.argv[2]), sys.argv[3]
token = parse_qs(url.query)["token"][0]
TICKS = os.sysconf("SC_CLK_TCK")


def processor_ms():
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) * 1000 / TICKS


def memory_mib(name):
    for line in open(f"/proc/{pid}/status"):
        if line.startswith(name):
            return int(line.split()[1]) / 1024


def get(path, stream=False):
    connection = http.client.HTTPConnection(url.hostname, url.port, timeout=120)
    connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
    answer = connection.getresponse()
    assert answer.status == 200, (path, answer.status)
    return answer if stream else answer.read()


def message(live):
    kind = None
    while True:
        line = live.readline().decode()
        if line.startswith("event: "):
            kind = line[7:].strip()
        elif line.startswith("data: "):
            return kind, json.loads(line[6:])


def row(name, value, target=""):
    print(f"{name:<66} {value:>12}  {target}", flush=True)


# The first view is what a browser asks for, up to the runs in the stream's first message.
begin, used = time.monotonic(), processor_ms()
for path in ("/", "/style.css", "/app.js", "/views.js", "/chart.js"):
    get(path)
live = get("/api/live", stream=True)
kind, state = message(live)
assert kind == "state"
row(f"first view, {len(state['runs'])} runs, {sum(len(host['gpus']) for host in state['hosts'])} GPUs: time", f"{time.monotonic() - begin:.2f} s", "(target 1 s)")
row("  processor time of the server", f"{processor_ms() - used:.0f} ms")

# Whole seconds in which nothing but the hosts changes.
told = threading.Event()
changes = []
threading.Thread(target=lambda: [changes.append(message(live)) or told.set() for _ in iter(int, 1)], daemon=True).start()
time.sleep(3)
used, begin = processor_ms(), time.monotonic()
time.sleep(20)
quiet = (processor_ms() - used) / (time.monotonic() - begin)
row("a page that is open: processor time a second", f"{quiet:.1f} ms", f"({quiet / 10:.1f} % of a core)")

# One epoch is appended; what it takes until the page is told, the share of the hosts taken off.
costs, delays = [], []
for number in range(20):
    run = os.path.join(folder, f"run-{number:03}")
    changes.clear()
    used, begin = processor_ms(), time.monotonic()
    with open(os.path.join(run, "events.ndjson"), "a") as journal:
        journal.write(json.dumps({"event": "epoch_finished", "epoch": 1000, "train_loss": 0.01, "scores": {"f1": 0.99}, "is_best": True, "learning_rate": 1e-6, "samples_per_second": 60,
                                  "data_wait_share": 0.02, "duration_seconds": 60, "time": "2026-11-30T00:00:00+00:00"}) + "\n")
    while not any(kind == "runs" for kind, _ in changes):
        told.wait(5)
        told.clear()
    delays.append(time.monotonic() - begin)
    time.sleep(1)
    costs.append(processor_ms() - used - quiet * (time.monotonic() - begin))
row("an epoch is appended: until the page is told, median", f"{sorted(delays)[10]:.2f} s", "(target 2 s)")
row("  processor time beyond the open page's, median", f"{max(0, sorted(costs)[10]):.1f} ms", "(target 100 ms)")

ids = [run["id"] for run in state["runs"]]
used, begin, size = processor_ms(), time.monotonic(), 0
for one in ids[:24]:
    size += len(get(f"/api/runs/{one}/history"))
row("the curves of a run, first time", f"{(processor_ms() - used) / 24:.0f} ms", f"({size / 24 / 1024:.0f} KiB)")
used = processor_ms()
for one in ids[:24]:
    get(f"/api/runs/{one}/history")
row("  once more", f"{(processor_ms() - used) / 24:.1f} ms")
used = processor_ms()
for _ in range(10):
    get("/metrics")
row("/metrics", f"{(processor_ms() - used) / 10:.0f} ms", f"({len(get('/metrics')) / 1024:.0f} KiB)")
row("memory of the server, resident", f"{memory_mib('VmRSS'):.0f} MiB", "(target 200 MB)")
row("  at most", f"{memory_mib('VmHWM'):.0f} MiB")
