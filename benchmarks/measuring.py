"""What all benchmarks share: both sides in turn, ratios with their spread, tables, the machine.

Every script prints markdown, to be kept in `benchmarks/results/`. Times are wall-clock, for an otherwise idle
machine; with `--cpu-time` they are the time this process had on a processor.
"""

from __future__ import annotations

import argparse
import datetime
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from tacotron2.hparams import HParams, create_hparams
from tacotron2.schema import read_hparams

ROOT = Path(__file__).resolve().parents[1]
PLAIN = "use_gst=False,use_mmi=False,use_ddc=False,drop_frame_rate=0,"
TINY = (
    "symbols_embedding_dim=16,encoder_embedding_dim=16,prenet_dim=16,attention_rnn_dim=16,attention_dim=8,"
    "attention_location_n_filters=4,decoder_rnn_dim=16,postnet_embedding_dim=16,"
)
Clock = Callable[[], float]


def arguments(doc: str | None, **options: int) -> argparse.ArgumentParser:
    """The options of every script, and numbers of its own with their defaults."""
    parser = argparse.ArgumentParser(description=(doc or "").strip().splitlines()[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--pairs", type=int, default=5, help="how often both sides run in turn")
    parser.add_argument("--cpu-time", action="store_true", help="time on the processor, not by the clock")
    parser.add_argument("--tiny", action="store_true", help="the smallest sizes: to see that the script runs")
    for name, default in options.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, default=default)
    return parser


def begin(options: argparse.Namespace) -> Clock:
    """Sets the threads, prints the heading, and returns the clock."""
    torch.set_num_threads(options.threads)
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.strip()
    print(f"# {Path(sys.argv[0]).stem}, {datetime.date.today()}, commit {commit or 'unknown'}\n")
    print(f"- machine: {processor()}, {options.threads} threads, bf16 products: {bf16_support()}")
    print(f"- torch {torch.__version__}, Python {platform.python_version()}")
    clock = "time on the processor" if options.cpu_time else "wall-clock time"
    print(f"- `{' '.join(['python', f'benchmarks/{Path(sys.argv[0]).name}', *sys.argv[1:]])}`, {clock}\n")
    return time.process_time if options.cpu_time else time.perf_counter


def processor() -> str:
    """The processor's name, where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def bf16_support() -> str:
    """AMX, AVX-512, or none."""
    if torch.cpu._is_amx_tile_supported():
        return "AMX"
    return "AVX-512" if torch.cpu._is_avx512_bf16_supported() else "none"


def size(name: str) -> HParams:
    """`28 M` (the plain model of the paper), `tiny`, `tiny report` (with all parts), or a preset's name."""
    if name in ("28 M", "tiny", "tiny report"):
        plain = "" if name == "tiny report" else PLAIN
        return create_hparams(plain + ("" if name == "28 M" else TINY))
    return read_hparams(ROOT / "configs" / f"{name}.yaml")


def in_turn(sides: Mapping[str, Callable[[], object]], pairs: int, clock: Clock) -> dict[str, list[float]]:
    """Seconds of every side, `pairs` times, one after the other; each runs once before that."""
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for turn in range(pairs + 1):
        for name, side in sides.items():
            start = clock()
            side()
            if turn:
                seconds[name].append(clock() - start)
    return seconds


def ratio(slow: Sequence[float], fast: Sequence[float]) -> str:
    """Median of the pairs' ratios, with the smallest and the largest."""
    ratios = [one / other for one, other in zip(slow, fast, strict=True)]
    return f"{median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})"


def milliseconds(seconds: Sequence[float]) -> str:
    return f"{median(seconds) * 1e3:.4g}"


def table(head: Sequence[str], rows: Sequence[Sequence[object]], title: str = "") -> None:
    """A markdown table; the first column is text, the others are numbers."""
    if title:
        print(f"## {title}\n")
    print(f"| {' | '.join(head)} |")
    print(f"|---|{'--:|' * (len(head) - 1)}")
    for row in rows:
        print(f"| {' | '.join(str(cell) for cell in row)} |", flush=True)
    print()


def peak_mb() -> float:
    """The most memory this process ever had, in MB (Linux counts it in KiB, macOS in bytes)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


PRODUCTS = {
    "mm", "addmm", "bmm", "mv", "addmv_", "convolution", "convolution_backward", "_linear_pointwise",
    "mkldnn_rnn_layer", "mkldnn_rnn_layer_backward",
}  # fmt: skip
"""Operators that multiply matrices."""


@dataclass
class Product:
    """One shape of one operator: how often it ran, and operands to run it again with."""

    name: str
    shapes: str
    again: Callable[[], object]
    calls: int = 0


class Products(TorchDispatchMode):
    """Records every product of what runs inside, backward passes included."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[tuple[str, str], Product] = {}

    def __torch_dispatch__(self, function, types, operands=(), keywords=None):  # type: ignore[no-untyped-def]
        keywords = keywords or {}
        name = function.overloadpacket.__name__
        if name in PRODUCTS:
            tensors = [x for x in operands if isinstance(x, torch.Tensor)]
            shapes = " ".join("x".join(map(str, x.shape)) for x in tensors)
            key = (name, shapes + str(operands[-1] if name == "convolution_backward" else ""))
            if key not in self.found:
                self.found[key] = Product(name, shapes, lambda: function(*operands, **keywords))
            self.found[key].calls += 1
        return function(*operands, **keywords)

    @torch.no_grad()
    def seconds(self, clock: Clock, repetitions: int = 5) -> list[tuple[Product, float]]:
        """Each product's time at its own shape, alone and warm, the median; longest in all first."""
        timed = []
        for product in self.found.values():
            spent = in_turn({"": product.again}, repetitions, clock)[""]
            timed.append((product, median(spent)))
        return sorted(timed, key=lambda entry: -entry[1] * entry[0].calls)
