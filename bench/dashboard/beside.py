"""What a page costs a training beside it: beside.py SERVER_PID URL TRAINING_RUN [WINDOWS] [SECONDS].

The server is stopped (SIGSTOP) and goes on (SIGCONT) in turns, while a page is open and the training's journal gets its steps; compared is the
mean time of a step in neighbouring windows. Both have the same training, so that nothing but the page differs. Windows are short, since the
machine's own speed drifts from minute to minute, and there are many of them; what is told is the median of the pairs, and its standard error by
drawing the pairs anew a thousand times.
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

server, url, run = int(sys.argv[1]), urlparse(sys.argv[2]), sys.argv[3]
windows, seconds = (int(sys.argv[i]) if len(sys.argv) > i else default for i, default in ((4, 120), (5, 4)))
journal = os.path.join(run, "events.ndjson")
TICKS = os.sysconf("SC_CLK_TCK")


def processor_seconds():
    fields = open(f"/proc/{server}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


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

bounds, used = [], 0.0
try:
    for window in range(windows):
        # on, off, off, on: a machine that grows warmer meets both alike.
        is_on = window % 4 in (0, 3)
        os.kill(server, signal.SIGCONT if is_on else signal.SIGSTOP)
        time.sleep(0.5)
        begin, before = time.time(), processor_seconds()
        time.sleep(seconds)
        bounds.append((is_on, begin, time.time()))
        used += processor_seconds() - before
finally:
    os.kill(server, signal.SIGCONT)

told = steps()
means = []
for is_on, begin, end in bounds:
    within = [step for step in told if begin <= step[0] <= end]
    assert len(within) > 10 and within[-1][1] - within[0][1] == len(within) - 1, "the training took too few steps, or did not tell each"
    means.append((within[-1][0] - within[0][0]) / (len(within) - 1))
ratios = [(means[i] / means[i + 1]) if bounds[i][0] else (means[i + 1] / means[i]) for i in range(0, windows - 1, 2)]
middle = statistics.median(ratios)
chance = random.Random(0)
error = statistics.stdev(statistics.median(chance.choices(ratios, k=len(ratios))) for _ in range(1000))
print(f"{'a step of the training, the page at rest':<66} {statistics.mean(m for m, b in zip(means, bounds) if not b[0]) * 1000:>9.1f} ms")
print(f"{'  slowed by the page, median of ' + str(len(ratios)) + ' pairs of windows':<66} {(middle - 1) * 100:>10.2f} %  (target 1 %; standard error {error * 100:.2f} %)")
print(f"{'  processor time of the server, of one core':<66} {used / (seconds * windows / 2) * 100:>10.2f} %")
