#!/usr/bin/python3
"""The training step in PyTorch: a line in, the milliseconds of each step out. training-step.dll runs it in turns with its own."""

import argparse
import socket
import subprocess
import sys
import time

import torch
import torch.distributed as dist
import torch.nn.functional as F

from networks import FcSiam, HaNet


parser = argparse.ArgumentParser()
parser.add_argument("--model", default="fc-siam-diff")
parser.add_argument("--base-channels", type=int, default=16)
parser.add_argument("--batch", type=int, default=16)
parser.add_argument("--side", type=int, default=112)
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--steps", type=int, default=4)
parser.add_argument("--ranks", type=int, default=1)
parser.add_argument("--rank", type=int, default=0)
parser.add_argument("--port", type=int)
work = parser.parse_args()

torch.set_num_threads(work.threads)
if work.ranks > 1:
    if work.port is None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            work.port = probe.getsockname()[1]
        others = [subprocess.Popen([sys.executable, *sys.argv, "--rank", str(rank), "--port", str(work.port)], stdin=subprocess.DEVNULL) for rank in range(1, work.ranks)]
    dist.init_process_group("gloo", init_method=f"tcp://127.0.0.1:{work.port}", rank=work.rank, world_size=work.ranks)
    work.batch //= work.ranks
torch.manual_seed(0)
if work.model == "hanet":
    network = HaNet(base=work.base_channels)
else:
    network = FcSiam(work.model.rsplit("-", 1)[1], base=work.base_channels, dropout=0.2)
if work.ranks > 1:
    network = torch.nn.parallel.DistributedDataParallel(network)
optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3, weight_decay=1e-4)
image1, image2 = (torch.rand(work.batch, 3, work.side, work.side) for _ in range(2))
labels = torch.randint(0, 2, (work.batch, work.side, work.side))


def step():
    optimizer.zero_grad(set_to_none=True)
    loss = F.cross_entropy(network(image1, image2), labels, ignore_index=255)
    loss.backward()
    optimizer.step()
    return loss.item()


network.train()
for _ in range(2):
    step()


def turns():
    """A turn for each line; the first rank tells the others."""
    while True:
        line = torch.tensor([len(sys.stdin.readline())] if work.rank == 0 else [0])
        if work.ranks > 1:
            dist.broadcast(line, 0)
        if line.item() == 0:
            return
        yield


if work.rank == 0:
    print("ready", flush=True)
for _ in turns():
    milliseconds = []
    for _ in range(work.steps):
        start = time.perf_counter()
        step()
        milliseconds.append(1000 * (time.perf_counter() - start))
    if work.rank == 0:
        print(*milliseconds, flush=True)
