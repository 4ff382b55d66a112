"""What a page costs a training beside it: beside.py SERVER_PID URL TRAINING_PID TRAINING_RUN [WINDOWS] [SECONDS].

The server is stopped (SIGSTOP) and goes on (SIGCONT) in turns, while a page is open and the training's journal gets its steps. Both have the same
training, so that nothing but the page differs. Compared are neighbouring windows, by two things: for how long the training's threads were ready
and had no processor, which Linux counts in nanoseconds (/proc/PID/task/*/schedstat) and which does not depend on how fast the processor is at the
moment; and the mean time of a step, which does, and on a virtual machine varies by ten times what is looked for. Told are medians over the pairs,
and their standard errors by drawing the pairs anew a thousand times.
"""
import http.client
import json
import os
import random
import signal
import statistics
import sys
import threading
import time
from datetime import datetime
from urllib.parse import parse_qs, urlparse

server, url, training, run = int(sys.argv[1]), urlparse(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
windows, seconds = (int(sys.argv[i]) if len(sys.argv) > i else default for i, default in ((5, 120), (6, 4)))
journal = os.path.join(run, "events.ndjson")


def schedule(process):
    """Nanoseconds that each thread of a process ran, and that it was ready and did not."""
    threads = {}
    for thread in os.listdir(f"/proc/{process}/task"):
        try:
            ran, waited, _ = open(f"/proc/{process}/task/{thread}/schedstat").read().split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        threads[thread] = int(ran), int(waited)
    return threads


def share(process, before, what, passed):
    now = schedule(process)
    return sum(now[thread][what] - before[thread][what] for thread in now if thread in before) / 1e9 / passed


def steps():
    found = []
    for line in open(journal):
        if line.startswith('{"event":"step"') and line.endswith("\n"):
            event = json.loads(line)
            found.append((datetime.fromisoformat(event["time"]).timestamp(), event["global_step"]))
    return found


connection = http.client.HTTPConnection(url.hostname, url.port)
connection.request("GET", "/api/live", headers={"Authorization": f"Bearer {parse_qs(url.query)['token'][0]}"})
page = connection.getresponse()
assert page.status == 200
threading.Thread(target=lambda: [None for _ in iter(lambda: page.read1(65536), b"")], daemon=True).start()

bounds, waits, used = [], [], []
try:
    for window in range(windows):
        # on, off, off, on: a machine that grows warmer meets both alike.
        is_on = window % 4 in (0, 3)
        os.kill(server, signal.SIGCONT if is_on else signal.SIGSTOP)
        time.sleep(0.5)
        begin, of_training, of_server = time.time(), schedule(training), schedule(server)
        time.sleep(seconds)
        end = time.time()
        bounds.append((is_on, begin, end))
        waits.append(share(training, of_training, 1, end - begin))
        if is_on:
            used.append(share(server, of_server, 0, end - begin))
finally:
    os.kill(server, signal.SIGCONT)

told = steps()
means = []
for is_on, begin, end in bounds:
    within = [step for step in told if begin <= step[0] <= end]
    assert len(within) > 10 and within[-1][1] - within[0][1] == len(within) - 1, "the training took too few steps, or did not tell each"
    means.append((within[-1][0] - within[0][0]) / (len(within) - 1))


def pairs(values, compare):
    return [compare(values[i], values[i + 1]) if bounds[i][0] else compare(values[i + 1], values[i]) for i in range(0, windows - 1, 2)]


def tell(what, values, end=""):
    chance = random.Random(0)
    error = statistics.stdev(statistics.median(chance.choices(values, k=len(values))) for _ in range(1000))
    print(f"{what:<66} {statistics.median(values) * 100:>10.2f} %  (standard error {error * 100:.2f} %{end})")


print(f"{'a step of the training, the page at rest':<66} {statistics.mean(m for m, b in zip(means, bounds) if not b[0]) * 1000:>9.1f} ms")
print(f"{'  its threads waited for a processor meanwhile, of the time':<66} {statistics.mean(w for w, b in zip(waits, bounds) if not b[0]) * 100:>10.2f} %")
tell(f"  and longer beside the page, {windows // 2} pairs of windows", pairs(waits, lambda on, off: on - off), "; target 1 %")
tell("  the mean step is longer by", pairs(means, lambda on, off: on / off - 1))
print(f"{'  processor time of the server, of one core':<66} {statistics.mean(used) * 100:>10.2f} %")
