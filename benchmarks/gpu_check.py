"""What has to be known of a card: is it right, does it learn, what does it hold, how fast is it?

    PYTHONPATH=src python benchmarks/gpu_check.py
    PYTHONPATH=src python benchmarks/gpu_check.py --part graphs

Every part is a process of its own, which is ended when its time is up: 9 minutes for all of them. The exit
status is 1 where a part failed; speed and memory are told, not judged.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from gpu import agreement, graphs, memory, speed
from gpu.card import GIB, Card
from measuring import arguments, begin, table


@dataclass(frozen=True)
class Part:
    """A function of `gpu`, the seconds it may take on a card (start included); does it run on a CPU?"""

    run: Callable[[Card], list[str]]
    seconds: int
    on_cpu: bool


PARTS = {
    "results": Part(agreement.results, 80, True),
    "graphs": Part(graphs.graphs, 70, False),
    "train": Part(speed.training, 70, True),
    "oom": Part(memory.out_of_memory, 60, False),
    "memory": Part(memory.memory, 105, False),
    "speed": Part(speed.speed, 110, True),
    "step": Part(speed.step, 40, True),
}


def supervise(name: str, options: argparse.Namespace) -> tuple[str, float]:
    """Runs a part in a process of its own; its verdict, and its seconds."""
    command = [sys.executable, __file__, *sys.argv[1:], "--child", name]
    limit = None if options.device == "cpu" else PARTS[name].seconds
    began = time.perf_counter()
    sys.stdout.flush()
    try:
        status = subprocess.run(command, timeout=limit, check=False).returncode
        verdict = "passed" if status == 0 else f"FAILED, status {status}"
    except subprocess.TimeoutExpired:
        verdict = "FAILED, its time was up"
    return verdict, time.perf_counter() - began


def run_all(options: argparse.Namespace) -> bool:
    """Every part that was asked for and can run; whether all passed."""
    rows, fine = [], True
    for name in [options.part] if options.part else PARTS:
        if options.device == "cpu" and not PARTS[name].on_cpu:
            rows.append([name, "", PARTS[name].seconds, "skipped: needs a CUDA device"])
            continue
        verdict, seconds = supervise(name, options)
        rows.append([name, f"{seconds:.0f}", PARTS[name].seconds, verdict])
        fine = fine and verdict == "passed"
    table(["part", "seconds", "allowed", "result"], rows, "All parts")
    return fine


def describe_card() -> None:
    card = torch.cuda.get_device_properties(0)
    print(
        f"- card: {card.name}, {card.total_memory / GIB:.1f} GiB, compute capability "
        f"{card.major}.{card.minor}, CUDA {torch.version.cuda}, cuDNN {torch.backends.cudnn.version()}\n"
    )


def main() -> None:
    parser = arguments(__doc__)
    parser.set_defaults(threads=4, pairs=3)
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--part", choices=PARTS, help="this one alone")
    parser.add_argument("--child", choices=PARTS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.device == "cpu" and not options.tiny:
        parser.error("--device cpu only shows that the script runs; add --tiny")
    if options.device == "cuda" and not torch.cuda.is_available():
        sys.exit("gpu_check: this machine has no usable CUDA device; nothing was checked")
    if options.child:
        torch.set_num_threads(options.threads)
        failures = PARTS[options.child].run(Card(options.device, options.tiny, options.pairs))
        for failure in failures:
            print(f"FAILED: {failure}\n", flush=True)
        sys.exit(bool(failures))
    begin(options)
    if options.device == "cuda":
        describe_card()
    sys.exit(not run_all(options))


if __name__ == "__main__":
    main()
