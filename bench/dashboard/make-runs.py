"""Makes folders of runs as robusttrain leaves them, for measurements: make-runs.py FOLDER [RUNS] [EPOCHS] [STEPS]."""
import json
import math
import os
import random
import sys
from datetime import datetime, timedelta, timezone

SCORES = ("f1", "iou", "precision", "recall", "accuracy")


def line(kind, when, **values):
    return json.dumps({"event": kind, **values, "time": when.isoformat()}, separators=(",", ":")) + "\n"


def make(root, number, epochs, steps, state="finished", name=None):
    chance = random.Random(number)
    path = os.path.join(root, name or f"run-{number:03}")
    os.makedirs(path, exist_ok=True)
    begin = datetime(2026, 11, 1, tzinfo=timezone.utc) + timedelta(hours=number)
    when = begin
    per_epoch = 100
    floor, pace = chance.uniform(0.05, 0.3), chance.uniform(0.7, 1.6) * 3 / epochs
    best, best_epoch, delivered = -1.0, 0, 0
    with open(os.path.join(path, "events.ndjson"), "w") as journal:
        journal.write(line("run_started", when, run_id=f"r{number}", run_path=path, process_id=1, epochs=epochs, steps_per_epoch=per_epoch, resumed_from_epoch=None))
        for epoch in range(epochs):
            rate = 1e-3 * 0.5 * (1 + math.cos(math.pi * epoch / epochs)) + 1e-6
            for step in range(steps):
                when += timedelta(seconds=60 / steps)
                loss = floor + math.exp(-pace * epoch) * 0.6 * chance.uniform(0.9, 1.1)
                journal.write(line("step", when, epoch=epoch, step=step * per_epoch // steps, global_step=epoch * per_epoch + step * per_epoch // steps, loss=loss,
                                   learning_rate=rate, samples_per_second=chance.uniform(55, 65), data_wait_share=max(0, chance.gauss(0.02, 0.01))))
            score = (1 - math.exp(-pace * (epoch + 1))) * chance.uniform(0.93, 0.97)
            delivered += 3120
            is_best = score > best
            if is_best:
                best, best_epoch = score, epoch
            totals = {"delivered": delivered, "retried": number % 3, "skipped": number % 2, "quarantined": 0, "worker_failures": number % 3}
            journal.write(line("epoch_finished", when, epoch=epoch, train_loss=floor + math.exp(-pace * epoch) * 0.6, scores={one: score - 0.01 * i for i, one in enumerate(SCORES)},
                               is_best=is_best, learning_rate=rate, samples_per_second=60.5, data_wait_share=0.021, duration_seconds=60.0,
                               loader={"worker_kind": "thread", "workers": 2, "batches": per_epoch, "samples": 3120, "delivered": 3120, "retried": 0, "skipped": 0, "quarantined": 0,
                                       "worker_failures": 0, "digest": "%064x" % chance.getrandbits(256)}, ledger_totals=totals))
        if state != "running":
            journal.write(line("run_finished", when, state=state, exit_code=0 if state == "finished" else 4,
                               error=None if state == "finished" else "The loss became NaN in step 4711.", error_id=None))
    process = {"host": os.uname().nodename, "process_id": 1, "start": "gone/0"}
    record = {
        "format": 1, "id": f"r{number}", "name": name or f"experiment {number}", "state": state, "exit_code": 0 if state == "finished" else None if state == "running" else 4,
        "error": None if state in ("finished", "running") else "The loss became NaN in step 4711.", "process": process, "working_directory": root, "versions":
        {"robusttrain": "0.1.0", "libtorch": "2.10.0", "dotnet": "10.0.12", "os": "Debian"}, "configuration_digest": "0" * 64, "started": begin.isoformat(),
        "updated": when.isoformat(), "ended": when.isoformat() if state != "running" else None, "epochs": epochs, "epochs_done": epochs, "best_metric": "f1", "task": "change-detection",
        "best_epoch": best_epoch, "best_score": best, "ledger_totals": totals,
        "test_scores": {one: best - 0.01 * i for i, one in enumerate(SCORES)} if state == "finished" else None,
        "attempts": [{"process": process, "started": begin.isoformat(), "ended": None, "state": state, "duration_seconds": (when - begin).total_seconds()}],
    }
    with open(os.path.join(path, "run.json"), "w") as file:
        json.dump(record, file, indent=2)
    with open(os.path.join(path, "config.yaml"), "w") as file:
        file.write(f"name: experiment {number}\nseed: {number}\noptimizer:\n  learning_rate: 0.001\n")


if __name__ == "__main__":
    folder = os.path.abspath(sys.argv[1])
    runs, epochs, steps = (int(sys.argv[i]) if len(sys.argv) > i else default for i, default in ((2, 200), (3, 1000), (4, 10)))
    for number in range(runs):
        make(folder, number, epochs, steps, "failed" if number % 23 == 7 else "finished")
