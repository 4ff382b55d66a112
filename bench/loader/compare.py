#!/usr/bin/python3
"""Measures the loader beside PyTorch's DataLoader with Pillow, on the same files and with the same transforms, in turns.

    bench/loader/compare.py ROBUSTTRAIN BENCH [--images N] [--turns N] [--workers 0 1 2 4] [--formats jpg png] [--scenes FOLDER] [--only PART]

ROBUSTTRAIN is the published executable, BENCH the published program of this folder; run.sh makes both. Every figure is the median over
the turns; in each turn ours and PyTorch's run one after the other, so that both see the same machine. Images are crops of the sample
data's scenes (robusttrain sample-data), 256x256; both sides crop 224x224 at random, flip at random and normalise to floats.
"""
import argparse
import io
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
import warnings

import numpy as np
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset

MEAN = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)
STD = torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)
BATCH = 16
CROP = 224
# The runtime compiles ours in the background for about half a second, which is as much as several epochs of a few hundred images last.
WARM_EPOCHS = 8
EPOCHS = 12


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


class Enlargements(Dataset):
    """Super-resolution pairs: the whole image, flipped and rotated, and its half by Pillow's bicubic reduction, through JPEG in memory."""

    def __init__(self, folder):
        self.files = sorted(os.path.join(folder, name) for name in os.listdir(folder))

    def __len__(self):
        return len(self.files)

    def __getitem__(self, index):
        image = Image.open(self.files[index]).convert('RGB')
        for turn in (Image.FLIP_LEFT_RIGHT, Image.FLIP_TOP_BOTTOM, Image.TRANSPOSE):
            if random.random() < 0.5:
                image = image.transpose(turn)
        low = image.resize((image.width // 2, image.height // 2), Image.BICUBIC)
        file = io.BytesIO()
        low.save(file, 'JPEG', quality=random.randint(30, 95))
        low = Image.open(file).convert('RGB')
        return [torch.from_numpy(np.array(each)).permute(2, 0, 1).contiguous().to(torch.float32).div(255) for each in (low, image)]


class Integers(Dataset):
    def __init__(self, count):
        self.count = count

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        return index


def torch_epochs(dataset, batch, workers, epochs):
    """Samples a second of each epoch without its first batch, the first batch's latency in ms, the last epoch's microseconds a batch."""
    loader = DataLoader(dataset, batch_size=batch, shuffle=True, num_workers=workers, persistent_workers=workers > 0)
    first_ever = None
    rates = []
    for _ in range(epochs):
        start = time.perf_counter()
        count = first = first_count = batches = 0
        for data in loader:
            now = time.perf_counter()
            if batches == 0:
                first, first_count = now, sizes(data)
                if first_ever is None:
                    first_ever = (now - start) * 1000
            batches += 1
            count += sizes(data)
        end = time.perf_counter()
        rates.append((count - first_count) / (end - first))
    return rates, first_ever, (end - first) / max(1, batches - 1) * 1e6


def sizes(data):
    """The samples of a batch, which is one tensor or one for each field."""
    return len(data[0]) if isinstance(data, list) else len(data)


def settled(rates):
    return statistics.median(list(rates)[WARM_EPOCHS:])


def ours(robusttrain, arguments, batch, workers, kind, epochs):
    command = [robusttrain, 'loader', *arguments, '--workers', str(workers), '--kind', kind, '--epochs', str(epochs),
               '--events', '--set', f'loader.batch_size={batch}']
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    return settled(event['samples_per_second'] for event in map(json.loads, lines) if event['event'] == 'loader_measured')


def bare(robusttrain, folder, threads):
    # It goes through the files once before each measurement.
    command = [robusttrain, 'loader', '--images', folder, '--decode-only', '--workers', *[str(max(1, threads))] * (EPOCHS - WARM_EPOCHS)]
    return statistics.median(float(line.split()[-1]) for line in subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines())


def measure(options, what, kind, workers, folder='-'):
    command = [options.bench, options.robusttrain, what, kind, str(workers), folder]
    return [float(number) for number in subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()]


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


def throughput(options, images):
    print(f'{"files":6} {"workers":>7} {"kind":8} {"ours/s":>8} {"torch/s":>8} {"ratio":>6} {"target":>6}  {"bare/s":>8} {"of bare":>7} {"target":>6}')
    for extension in options.formats:
        arguments = ['--images', images[extension], '--crop-size', str(CROP)]
        dataset = Images(images[extension])
        for workers in options.workers:
            kinds = ['thread', 'process'] if workers > 0 else ['thread']
            runs = {kind: [] for kind in kinds}
            others, bares = [], []
            for _ in range(options.turns):
                for kind in kinds:
                    runs[kind].append(ours(options.robusttrain, arguments, BATCH, workers, kind, EPOCHS))
                others.append(settled(torch_epochs(dataset, BATCH, workers, EPOCHS)[0]))
                bares.append(bare(options.robusttrain, images[extension], workers))
            for kind in kinds:
                ratio = statistics.median(a / b for a, b in zip(runs[kind], others))
                share = statistics.median(a / b for a, b in zip(runs[kind], bares))
                target = 2 if extension == 'jpg' else 1.5
                print(f'{extension:6} {workers:7} {kind:8} {statistics.median(runs[kind]):8.0f} {statistics.median(others):8.0f} {ratio:6.2f} {mark(ratio >= target)}{target:>4}  '
                      f'{statistics.median(bares):8.0f} {share:7.2f} {mark(share >= 0.9)}{0.9:>4}', flush=True)


def super_resolution(options, images):
    print(f'super-resolution pairs of 256x256: {"files":6} {"workers":>7} {"kind":8} {"ours/s":>8} {"torch/s":>8} {"ratio":>6} {"target":>6}')
    for extension in options.formats:
        with tempfile.TemporaryDirectory() as folder:
            os.makedirs(os.path.join(folder, 'train'))
            os.symlink(images[extension], os.path.join(folder, 'train', 'gt'))
            settings = ['task=super-resolution', f'data.path={folder}', 'model.scale=2', 'data.crop_size=256', 'data.degradation.name=bicubic', 'data.degradation.jpeg_range=[30, 95]',
                        'data.augmentation.rotate=true', 'data.augmentation.horizontal_flip=0.5', 'data.augmentation.vertical_flip=0.5']
            arguments = [argument for setting in settings for argument in ('--set', setting)]
            dataset = Enlargements(images[extension])
            for workers in options.workers:
                for kind in ['thread', 'process'] if workers > 0 else ['thread']:
                    pairs = [(ours(options.robusttrain, arguments, BATCH, workers, kind, EPOCHS), settled(torch_epochs(dataset, BATCH, workers, EPOCHS)[0])) for _ in range(options.turns)]
                    ratio = statistics.median(a / b for a, b in pairs)
                    print(f'{"":35}{extension:6} {workers:7} {kind:8} {statistics.median(a for a, _ in pairs):8.0f} {statistics.median(b for _, b in pairs):8.0f} {ratio:6.2f} {mark(ratio >= 2)}{2:>4}', flush=True)


def mark(holds):
    return '>=' if holds else '!<'


def row(what, value, unit, target, peer=None):
    verdict = '' if target is None else f'{"holds" if value <= target else "MISSED":6} (at most {target:g} {unit})'
    print(f'{what:58} {value:9.2f} {unit:3} {verdict:28} {"" if peer is None else f"PyTorch {peer:.1f}"}', flush=True)


def rest(options, images, scenes):
    turns = range(options.turns)
    for kind, target in [('thread', 40), ('process', 100)]:
        for name, folder, dataset in [('integers', '-', Integers(4096)), ('jpg', images['jpg'], Images(images['jpg'])), ('png', images['png'], Images(images['png']))]:
            pairs = [(measure(options, 'first', kind, 2, folder)[0], torch_epochs(dataset, BATCH, 2, 1)[1]) for _ in turns]
            row(f'first batch of a fresh process, {name}, 2 {kind} workers', statistics.median(a for a, _ in pairs), 'ms', target, statistics.median(b for _, b in pairs))
    for kind, target in [('thread', 20), ('process', 60)]:
        for workers in options.workers if kind == 'thread' else [number for number in options.workers if number > 0]:
            pairs = [(measure(options, 'overhead', kind, workers), torch_epochs(Integers(256 * 100), 256, workers, 1)[2]) for _ in turns]
            row(f'a batch of 256 integers, {workers} {kind} workers', statistics.median(a[0] for a, _ in pairs), 'us', target, statistics.median(b for _, b in pairs))
    for kind in ['thread', 'process']:
        _, bytes_small, bytes_large = measure(options, 'overhead', kind, 2)
        row(f'managed memory allocated a batch of 256, 2 {kind} workers', bytes_small, 'B', None)
        row('the same of 2048', bytes_large, 'B', None)
    for kind in ['thread', 'process']:
        start, late = measure(options, 'resume', kind, 2)
        row(f'opening an epoch of 100 million at its beginning, 2 {kind} workers', start, 'ms', None)
        row(f'the same at 99 % of it', late, 'ms', None)
    median, largest, wait, longest = measure(options, 'kill', 'process', 2, images['png'])
    row('kill -9 of a worker to its replacement decoding, median', median, 'ms', 500)
    row('the same, slowest of 12', largest, 'ms', 500)
    row("the consumer's longest wait meanwhile, median", wait, 'ms', None)
    row('the same, longest of 12', longest, 'ms', None)
    for name, folder in [('png', images['png']), ('air-change', scenes)]:
        apart, resident, _ = measure(options, 'memory', 'process', 2, folder)
        row(f'resident memory of a process worker at its peak, {name}', resident, 'MB', 60)
        row('the same without the ring', apart, 'MB', None)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('robusttrain')
    parser.add_argument('bench')
    parser.add_argument('--images', type=int, default=800)
    parser.add_argument('--turns', type=int, default=3)
    parser.add_argument('--workers', type=int, nargs='+', default=[0, 1, 2, 4])
    parser.add_argument('--formats', nargs='*', default=['jpg', 'png'])
    parser.add_argument('--scenes')
    parser.add_argument('--only', choices=['throughput', 'super-resolution', 'rest'])
    options = parser.parse_args()
    torch.set_num_threads(1)
    # It warns of more workers than processors.
    warnings.simplefilter('ignore')
    print(f'{time.strftime("%Y-%m-%d %H:%M")}, {os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}')
    with tempfile.TemporaryDirectory() as folder:
        scenes = options.scenes
        if scenes is None:
            scenes = os.path.join(folder, 'scenes')
            subprocess.run([options.robusttrain, 'sample-data', scenes], check=True, stdout=subprocess.DEVNULL)
        images = {extension: os.path.join(folder, extension) for extension in ['jpg', 'png']}
        for extension, path in images.items():
            write_images(scenes, path, extension, options.images)
        if options.only in (None, 'throughput'):
            throughput(options, images)
        if options.only in (None, 'super-resolution'):
            super_resolution(options, images)
        if options.only in (None, 'rest'):
            rest(options, images, scenes)


if __name__ == '__main__':
    sys.exit(main())
