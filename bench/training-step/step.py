#!/usr/bin/python3
"""The training step in PyTorch: a line in, the milliseconds of each step out. training-step.dll runs it in turns with its own."""

import argparse
import sys
import time

import torch
import torch.nn.functional as F

from networks import FcSiam, HaNet


parser = argparse.ArgumentParser()
parser.add_argument("--model", default="fc-siam-diff")
parser.add_argument("--base-channels", type=int, default=16)
parser.add_argument("--batch", type=int, default=16)
parser.add_argument("--side", type=int, default=112)
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--steps", type=int, default=4)
work = parser.parse_args()

torch.set_num_threads(work.threads)
torch.manual_seed(0)
if work.model == "hanet":
    network = HaNet(base=work.base_channels)
else:
    network = FcSiam(work.model.rsplit("-", 1)[1], base=work.base_channels, dropout=0.2)
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
print("ready", flush=True)
for _ in sys.stdin:
    milliseconds = []
    for _ in range(work.steps):
        start = time.perf_counter()
        step()
        milliseconds.append(1000 * (time.perf_counter() - start))
    print(*milliseconds, flush=True)
