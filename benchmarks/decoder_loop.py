"""Forward and backward of the whole model: the fast decoder against the paper's loop, at equal precision.

    PYTHONPATH=src python benchmarks/decoder_loop.py --threads 1 --pairs 5

Three sides in turn on the same batch and weights: the fast path, the oracle `decode_stepwise` (naive), and a
loop in the published style (`plain_decoder.py`). `products` is the time of all its matrix products, each
alone and warm at its own shape: what no code around them can be faster than.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from statistics import median

import torch
from measuring import Clock, Products, arguments, begin, in_turn, milliseconds, peak_mb, ratio, size, table
from plain_decoder import decode_plainly
from torch import Tensor

from tacotron2.models import Tacotron2

NO_DROPOUT = {"p_attention_dropout": 0.0, "p_decoder_dropout": 0.0}
DROPOUT = {"p_attention_dropout": 0.1, "p_decoder_dropout": 0.1}
HEAD = (
    "case", "fast, ms", "naive, ms", "naive / fast", "naive / plain", "products / fast", "valid frames/s",
)  # fmt: skip


@dataclass(frozen=True)
class Case:
    """A model size, the dropout of its two decoder LSTMs, and a batch: utterances, symbols, frames."""

    model: str
    dropout: bool
    batch: int
    symbols: int
    frames: int
    r: int = 1

    @property
    def name(self) -> str:
        drops = ", dropout" if self.dropout else ""
        return (
            f"{self.model}{drops}, B {self.batch}, {self.symbols} symbols, {self.frames} frames, r {self.r}"
        )


class Step:
    """Forward and backward of one batch, by either decoder."""

    def __init__(self, case: Case) -> None:
        chosen = DROPOUT if case.dropout else NO_DROPOUT
        hparams = size(case.model).replace(n_frames_per_step=case.r, **chosen)
        torch.manual_seed(0)
        self.model = Tacotron2(hparams)
        self.text = torch.randint(1, hparams.model.n_symbols, (case.batch, case.symbols))
        self.text_lengths = torch.linspace(case.symbols, case.symbols // 2, case.batch).long()
        frames = -(-case.frames // case.r) * case.r
        self.mel = torch.randn(case.batch, frames, hparams.audio.n_mel_channels)
        self.mel_lengths = torch.linspace(frames, frames * 0.9, case.batch).long()
        decoder = self.model.decoder
        self.ways = {
            "fast": decoder.forward,
            "naive": decoder.decode_stepwise,
            "plain": partial(decode_plainly, decoder),
        }

    def loss(self) -> Tensor:
        output = self.model(self.text, self.text_lengths, self.mel, self.mel_lengths)
        error = (output.mel_before - self.mel).square().mean() + (output.mel_after - self.mel).square().mean()
        return error + output.gate_logits.square().mean() + output.alignments.square().mean()

    def run(self, way: str) -> Tensor:
        """Gradients by one of `ways`; the loss."""
        torch.manual_seed(1)
        self.model.decoder.forward = self.ways[way]  # type: ignore[method-assign]
        self.model.zero_grad(set_to_none=True)
        loss = self.loss()
        loss.backward()
        return loss.detach()


def measure(case: Case, pairs: int, clock: Clock) -> list[str]:
    step = Step(case)
    ways = ["fast", "naive"] if case.dropout else ["fast", "naive", "plain"]
    losses = torch.stack([step.run(way) for way in ways])
    torch.testing.assert_close(losses, losses[:1].expand_as(losses), rtol=1e-3, atol=1e-3)
    seconds = in_turn({way: partial(step.run, way) for way in ways}, pairs, clock)
    with Products() as products:
        step.run("fast")
    fast = median(seconds["fast"])
    ceiling = sum(product.calls * spent for product, spent in products.seconds(clock))
    return [
        case.name,
        milliseconds(seconds["fast"]),
        milliseconds(seconds["naive"]),
        ratio(seconds["naive"], seconds["fast"]),
        ratio(seconds["naive"], seconds["plain"]) if "plain" in seconds else "",
        f"{ceiling / fast:.2f}",
        f"{float(step.mel_lengths.sum()) / fast:.0f}",
    ]


def cases(options) -> dict[str, list[Case]]:  # type: ignore[no-untyped-def]
    """The tables: sizes, one confirmation at LJ Speech's longest, and growth in each direction."""
    if options.tiny:
        base = Case("tiny", False, 2, 6, 8)
        return {"Sizes": [base, replace(base, dropout=True)], "Growth with r": [replace(base, r=2)]}
    demo = Case("demo", False, 16, 30, 180, 2)
    large = Case("28 M", False, 16, 60, 200)
    sizes = [demo, replace(demo, dropout=True), large, replace(large, dropout=True)]
    return {
        "Sizes": sizes,
        "Full length of LJ Speech": [Case("28 M", False, 4, 190, 870)],
        "Growth with the batch": [replace(demo, batch=batch) for batch in (1, 4, 8, 32, 64)],
        "Growth with the text": [replace(demo, symbols=symbols) for symbols in (15, 60, 120, 240)],
        "Growth with the frames": [replace(demo, frames=frames) for frames in (90, 360, 720)],
        "Growth with r": [replace(demo, r=r) for r in (1, 3, 5)],
    }


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--only", default="", help="tables whose title begins so")
    parser.add_argument("--model", default="", help="cases of this model alone: demo, 28 M")
    options = parser.parse_args()
    clock = begin(options)
    for title, chosen in cases(options).items():
        rows = [
            measure(case, options.pairs, clock)
            for case in chosen
            if title.startswith(options.only) and case.model.startswith(options.model)
        ]
        if rows:
            table(HEAD, rows, title)
    print(f"float32 on every side. Peak memory of the whole process: {peak_mb():.0f} MB")


if __name__ == "__main__":
    main()
