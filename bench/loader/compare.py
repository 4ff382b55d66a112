#!/usr/bin/python3
"""Measures the loader beside PyTorch's DataLoader with Pillow, on the same files and with the same transforms, in turns.

    bench/loader/compare.py ROBUSTTRAIN [--images N] [--turns N] [--workers 0 1 2 4] [--formats jpg png] [--scenes FOLDER]

ROBUSTTRAIN is the built executable (src/RobustTrain.Host/bin/Release/net10.0/robusttrain). Every figure is the median over the turns;
in each turn ours and PyTorch's run one after the other, so that both see the same machine. Images are crops of the sample
data's scenes (robusttrain sample-data), 256x256; both sides crop 224x224 at random, flip at random and normalise to floats.
"""
import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset

MEAN = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)
STD = torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)
BATCH = 16
CROP = 224


class Images(Dataset):
    """What torchvision's transforms do, without torchvision: random crop, flip, to tensor, normalise."""

    def __init__(self, folder):
        self.files = sorted(os.path.join(folder, name) for name in os.listdir(folder))

    def __len__(self):
        return len(self.files)

    def __getitem__(self, index):
        image = Image.open(self.files[index]).convert('RGB')
        x, y = random.randint(0, image.width - CROP), random.randint(0, image.height - CROP)
        image = image.crop((x, y, x + CROP, y + CROP))
        if random.random() < 0.5:
            image = image.transpose(Image.FLIP_LEFT_RIGHT)
        tensor = torch.from_numpy(np.array(image)).permute(2, 0, 1).contiguous().to(torch.float32).div(255)
        return tensor.sub_(MEAN).div_(STD)


class Integers(Dataset):
    def __init__(self, count):
        self.count = count

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        return index


def torch_epochs(dataset, batch, workers, epochs):
    """Samples a second of the last epoch without its first batch, the first batch's latency in ms, microseconds a batch."""
    loader = DataLoader(dataset, batch_size=batch, shuffle=True, num_workers=workers, persistent_workers=workers > 0)
    first_ever = None
    for _ in range(epochs):
        start = time.perf_counter()
        count = first = first_count = batches = 0
        for data in loader:
            now = time.perf_counter()
            if batches == 0:
                first, first_count = now, len(data)
                if first_ever is None:
                    first_ever = (now - start) * 1000
            batches += 1
            count += len(data)
        end = time.perf_counter()
    return (count - first_count) / (end - first), first_ever, (end - first) / max(1, batches - 1) * 1e6


def ours(robusttrain, arguments, batch, workers, kind, epochs):
    command = [robusttrain, 'loader', *arguments, '--workers', str(workers), '--kind', kind, '--epochs', str(epochs),
               '--events', '--set', f'loader.batch_size={batch}']
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    measured = [event for event in map(json.loads, lines) if event['event'] == 'loader_measured']
    last = measured[-1]
    return last['samples_per_second'], measured[0]['first_batch_milliseconds'], batch / last['samples_per_second'] * 1e6, measured


def bare(robusttrain, folder, threads):
    command = [robusttrain, 'loader', '--images', folder, '--decode-only', '--workers', str(max(1, threads))]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1])


def write_images(scenes, folder, extension, count):
    os.makedirs(folder)
    chooser = random.Random(0)
    files = [os.path.join(root, name) for root, _, names in sorted(os.walk(scenes)) for name in sorted(names) if name.startswith('im')]
    loaded = [Image.open(file).convert('RGB') for file in files]
    for number in range(count):
        scene = chooser.choice(loaded)
        x, y = chooser.randint(0, scene.width - 256), chooser.randint(0, scene.height - 256)
        crop = scene.crop((x, y, x + 256, y + 256))
        crop.save(os.path.join(folder, f'{number:05}.{extension}'), **({'quality': 90} if extension == 'jpg' else {}))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('robusttrain')
    parser.add_argument('--images', type=int, default=2000)
    parser.add_argument('--turns', type=int, default=5)
    parser.add_argument('--workers', type=int, nargs='+', default=[0, 1, 2, 4])
    parser.add_argument('--formats', nargs='*', default=['jpg', 'png'])
    parser.add_argument('--scenes')
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        scenes = options.scenes
        if scenes is None:
            scenes = os.path.join(folder, 'scenes')
            subprocess.run([options.robusttrain, 'sample-data', scenes], check=True, stdout=subprocess.DEVNULL)
        print(f'{"data":8} {"workers":>7} {"kind":8} {"ours/s":>9} {"torch/s":>9} {"ratio":>6} {"bare/s":>9} {"of bare":>7} {"first ms":>9} {"torch ms":>9} {"us/batch":>9} {"torch us":>9}')
        for extension in options.formats:
            images = os.path.join(folder, extension)
            write_images(scenes, images, extension, options.images)
            for workers in options.workers:
                compare(options, extension, ['--images', images, '--crop-size', str(CROP)], Images(images), BATCH, workers,
                        lambda: bare(options.robusttrain, images, workers))
        for workers in options.workers:
            count = 256 * 400
            compare(options, 'integers', ['--integers', str(count)], Integers(count), 256, workers, None)


def compare(options, name, arguments, dataset, batch, workers, bare_speed):
    for kind in ['thread', 'process'] if workers > 0 else ['thread']:
        ours_runs, torch_runs, bare_runs = [], [], []
        for _ in range(options.turns):
            ours_runs.append(ours(options.robusttrain, arguments, batch, workers, kind, 2))
            torch_runs.append(torch_epochs(dataset, batch, workers, 2))
            if bare_speed is not None:
                bare_runs.append(bare_speed())
        median = lambda runs, place: statistics.median(run[place] for run in runs)
        ratio = statistics.median(a[0] / b[0] for a, b in zip(ours_runs, torch_runs))
        bare_median = statistics.median(bare_runs) if bare_runs else float('nan')
        share = statistics.median(a[0] / b for a, b in zip(ours_runs, bare_runs)) if bare_runs else float('nan')
        print(f'{name:8} {workers:7} {kind:8} {median(ours_runs, 0):9.0f} {median(torch_runs, 0):9.0f} {ratio:6.2f} {bare_median:9.0f} {share:7.2f} '
              f'{median(ours_runs, 1):9.1f} {median(torch_runs, 1):9.1f} {median(ours_runs, 2):9.1f} {median(torch_runs, 2):9.1f}', flush=True)


if __name__ == '__main__':
    sys.exit(main())
