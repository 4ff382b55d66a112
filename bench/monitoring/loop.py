"""The same readings as a monitor's, as scripts do them: /proc by hand and nvidia-smi as a process; CPU time of this process and its children.

loop.py SECONDS seeds    three nvidia-smi and one ps for each of 8 GPUs at each tick
loop.py SECONDS frugal   one nvidia-smi for all GPUs at each tick
"""
import os, resource, subprocess, sys, time

FILES = ["/proc/stat", "/proc/loadavg", "/proc/meminfo", "/proc/pressure/cpu", "/proc/pressure/memory", "/proc/pressure/io"]
QUERY = ["nvidia-smi", "--query-gpu=index,uuid,name,memory.used,utilization.gpu", "--format=csv,noheader,nounits"]


def read_proc():
    texts = {}
    for name in FILES:
        try:
            with open(name) as file:
                texts[name] = file.read()
        except OSError:
            pass
    memory = dict(line.split(":") for line in texts["/proc/meminfo"].splitlines())
    cpu = [int(word) for word in texts["/proc/stat"].split("\n", 1)[0].split()[1:]]
    return cpu, memory, texts["/proc/loadavg"].split()


def run(arguments):
    return subprocess.run(arguments, capture_output=True, text=True).stdout.splitlines()


def tick(seeds):
    read_proc()
    if not seeds:
        return [line.split(", ") for line in run(QUERY)]
    for _ in range(8):
        for _ in range(3):
            run(QUERY)
        run(["ps", "-o", "pid,user,lstart,args", "-p", "1"])


def used():
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


seconds, kind = int(sys.argv[1]), sys.argv[2]
tick(kind == "seeds")
before, begin, ticks = used(), time.monotonic(), 0
while time.monotonic() - begin < seconds:
    tick(kind == "seeds")
    ticks += 1
    time.sleep(max(0, begin + ticks - time.monotonic()))
spent, passed = used() - before, time.monotonic() - begin
print(f"| Python loop of the same readings, {kind} | (beside it) | {spent / passed * 100:.2f} % of one core ({spent * 1000:.0f} ms in {passed:.0f} s, {ticks} ticks) |")
