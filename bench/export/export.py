"""Trains each network for a step at its authors' size and exports it: export.py ROBUSTTRAIN FOLDER [NETWORK ...]. Prints a table."""
import json
import os
import random
import shutil
import struct
import subprocess
import sys

host, work, wanted = sys.argv[1], sys.argv[2], sys.argv[3:]

# Task, network, keys that bring it to its authors' size, and what else tells it from the others.
NETWORKS = [
    ("change-detection", "fc-siam-diff", ["model.base_channels=16"], "16 base channels"),
    ("change-detection", "fc-siam-conc", ["model.base_channels=16"], "16 base channels"),
    ("change-detection", "hanet", ["model.base_channels=40"], "40 base channels"),
    ("segmentation", "unet", ["model.base_channels=64", "model.classes=2"], "2 classes"),
    ("segmentation", "deeplabv3", ["model.base_channels=64", "model.classes=21", "model.backbone=resnet50"], "21 classes, ResNet-50"),
    ("classification", "resnet18", ["model.base_channels=64"], "1,000 classes"),
    ("classification", "resnet34", ["model.base_channels=64"], "1,000 classes"),
    ("classification", "resnet50", ["model.base_channels=64"], "1,000 classes"),
    ("super-resolution", "srvggnet-compact", ["model.scale=4"], "64 features, 16 convolutions, x4"),
    ("super-resolution", "edsr-baseline", ["model.scale=4"], "64 features, 16 blocks, x4"),
    ("super-resolution", "edsr", ["model.scale=4"], "256 features, 32 blocks, x4"),
    ("super-resolution", "span", ["model.scale=4"], "48 features, x4"),
    ("super-resolution", "rrdbnet", ["model.scale=4"], "64 features, 23 blocks, x4"),
]


def bmp(path, side, seed, classes=0):
    """A square of noise, RGB, or with so many classes grey."""
    drawn = random.Random(seed)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    palette = b"".join(bytes([v, v, v, 0]) for v in range(256)) if classes else b""
    pixels = bytes(drawn.randrange(classes) for _ in range(side * side)) if classes else drawn.randbytes(3 * side * side)
    start = 54 + len(palette)
    with open(path, "wb") as file:
        file.write(b"BM" + struct.pack("<IHHI", start + len(pixels), 0, 0, start))
        file.write(struct.pack("<IiiHHIIiiII", 40, side, side, 1, 8 if classes else 24, 0, len(pixels), 2835, 2835, 0, 0))
        file.write(palette + pixels)


def make_data(task, name):
    data = os.path.join(work, f"{task}-{name}" if task == "segmentation" else task)
    if os.path.exists(data):
        return data
    for split in ("train", "val", "test"):
        for image in range(2 if split == "train" else 1):
            at = os.path.join(data, split)
            if task == "change-detection":
                bmp(f"{at}/A/{image}.bmp", 64, image)
                bmp(f"{at}/B/{image}.bmp", 64, image + 10)
                bmp(f"{at}/label/{image}.bmp", 64, image + 20, classes=2)
            elif task == "segmentation":
                bmp(f"{at}/images/{image}.bmp", 64, image)
                bmp(f"{at}/labels/{image}.bmp", 64, image + 20, classes=2 if name == "unet" else 21)
            elif task == "super-resolution":
                bmp(f"{at}/gt/{image}.bmp", 64, image)
        if task == "classification":
            for number in range(1000 if split == "train" else 2):
                bmp(f"{at}/{number:04}/0.bmp", 32, number)
    return data


def call(*arguments):
    done = subprocess.run([host, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(arguments[:1])} of {run}: {done.stderr.strip()}")
    return done.stdout


print("| network | at its authors' size | parameters | file, MB | largest difference | seconds |")
print("| --- | --- | --- | --- | --- | --- |")
largest = 0
for task, name, size, words in NETWORKS:
    if wanted and name not in wanted:
        continue
    data, run = make_data(task, name), os.path.join(work, "run")
    dataset = {"change-detection": ["data.dataset=change-pairs", "data.crop_size=64"], "classification": ["data.image_size=32"],
               "segmentation": ["data.crop_size=64"], "super-resolution": ["data.crop_size=64"]}[task]
    settings = [f"task={task}", f"model.name={name}", f"data.path={data}", "loader.batch_size=2", "trainer.total_iter=1", "seed=1", *dataset, *size]
    config = os.path.join(work, "config.yaml")
    open(config, "w").close()
    call("train", config, "--run-path", run, *(word for setting in settings for word in ("--set", setting)))
    lines = call("export", run, "--output", f"{run}.onnx", "--force", "--events").splitlines()
    made = next(event for event in map(json.loads, lines) if event["event"] == "model_exported")
    largest = max(largest, made["largest_difference"])
    print(f"| `{name}` | {words} | {made['parameters']:,} | {made['bytes'] / 1e6:.1f} | {made['largest_difference']:.1e} | {made['duration_seconds']:.1f} |", flush=True)
    shutil.rmtree(run)
print(f"\nThe largest difference is {largest:.1e}; at most 1e-4 is allowed.")
sys.exit(largest > 1e-4)
