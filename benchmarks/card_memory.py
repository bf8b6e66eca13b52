"""What fits cards of 8, 12 and 24 GB, by preset; and the estimate against what torch's allocator gave.

    PYTHONPATH=src python benchmarks/card_memory.py

The first table is measured: one update of a preset on the CPU, its peak by the allocator's own account, which
knows nothing of the estimate. The estimate has never seen so many rows, and without checkpointing never so
many steps. The second table is the estimate for cards; no card was at hand for it.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence

from measuring import arguments, begin, size, table
from torch.profiler import ProfilerActivity, profile

from tacotron2.hparams import HParams
from tacotron2.training.card_memory import GIB, MIB, SYMBOLS_PER_SECOND, CardFit, card_fits, update_memory
from tacotron2.training.memory import Probe

PRESETS = ["probe", "demo", "small", "ljspeech", "report"]
MEASURED = ["probe", "demo", "small", "ljspeech"]
CARDS_GB = (8, 12, 24)


def allocated(hparams: HParams, rows: int, seconds: float) -> int:
    """The highest sum of what torch's CPU allocator gave and took back in one update."""
    steps = math.ceil(
        seconds * hparams.audio.sampling_rate / hparams.audio.hop_length / hparams.model.n_frames_per_step
    )
    length = (math.ceil(seconds * SYMBOLS_PER_SECOND), steps * hparams.model.n_frames_per_step)
    probe = Probe(hparams, "cpu")
    probe.find_gradients([length])  # the gradients are there from now on
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        probe.find_gradients([length] * rows)
    most = now = 0
    for event in profiler.profiler.kineto_results.events():
        if event.name() == "[memory]":
            now += event.nbytes()
            most = max(most, now)
    return most


def compare(presets: Sequence[str], rows: int, seconds: float) -> None:
    cells = []
    for name in presets:
        for precision in ("fp32", "bf16"):
            for again in (False, True):
                hparams = size(name).replace(precision=precision, gradient_checkpointing=again)
                memory = update_memory(hparams, seconds)
                said = memory.live_bytes(rows) - memory.static_bytes
                given = allocated(hparams, rows, seconds)
                kind = f"{name}, {precision}, {'on' if again else 'off'}"
                cells.append([kind, f"{given / MIB:.1f}", f"{said / MIB:.1f}", f"{said / given - 1:+.1%}"])
    title = f"An update of {rows} utterances of {seconds:g} s on the CPU, beside weights and optimizer"
    table(["preset, precision, checkpointing", "measured, MiB", "estimated, MiB", "difference"], cells, title)


def fits(presets: Sequence[str], seconds: float | None) -> None:
    rows = []
    for name in presets:
        hparams = size(name)
        longest = seconds or hparams.data.max_seconds
        found = card_fits(hparams, [card * GIB for card in CARDS_GB], longest, ("fp32", "bf16"))
        for kind in dict.fromkeys((fit.precision, fit.checkpointing) for fit in found):
            cells = [told(fit) for fit in found if (fit.precision, fit.checkpointing) == kind]
            precision = "fp32" if kind[0] == "fp32" else "bf16, fp16"
            settings = f"{name}, {precision}, {'on' if kind[1] else 'off'}"
            rows.append([settings, hparams.train.batch_size, f"{longest:g}", *cells])
    head = ["preset, precision, checkpointing", "batch", "longest, s", *(f"{card} GB" for card in CARDS_GB)]
    table(head, rows, "Largest micro-batch, and in how many parts the preset's batch goes (estimated)")


def told(fit: CardFit) -> str:
    return f"{fit.rows} / {fit.accumulation or '-'}"


def main() -> None:
    parser = arguments(__doc__, rows=6)
    parser.add_argument("--preset", action="append", choices=PRESETS, help="may be repeated; else all")
    options: argparse.Namespace = parser.parse_args()
    begin(options)
    if options.tiny:
        compare(("tiny",), 2, 0.3)
        fits(("tiny",), 0.3)
        return
    presets = options.preset or PRESETS
    if measured := [name for name in presets if name in MEASURED]:
        compare(measured, options.rows, 3.0)
    fits(presets, None)


if __name__ == "__main__":
    main()
