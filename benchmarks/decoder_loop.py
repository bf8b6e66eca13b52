"""One training step (forward and backward of the whole model): the fast decoder against the paper's loop.

    PYTHONPATH=src python benchmarks/decoder_loop.py --threads 1 --pairs 5

Both sides in turn on the same batch and the same weights; `ratio` is naive / fast, the median of all pairs
with the smallest and the largest. Times are wall-clock, for an otherwise idle machine; `--cpu-time` counts
the time this process had on a processor instead (with more threads, waiting ones would count as well).
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

import torch
from torch import Tensor

from tacotron2.hparams import HParams, create_hparams
from tacotron2.models import Tacotron2


@dataclass(frozen=True)
class Case:
    """A model size, a batch, and the dropout of the two decoder LSTMs."""

    name: str
    overrides: str
    num_symbols: int
    num_steps: int


PLAIN = "use_gst=False,use_mmi=False,use_ddc=False,drop_frame_rate=0,"
DEMO = (
    "symbols_embedding_dim=128,encoder_embedding_dim=128,prenet_dim=128,attention_rnn_dim=256,"
    "attention_dim=128,decoder_rnn_dim=256,postnet_embedding_dim=128,n_frames_per_step=3,"
)
NO_DROPOUT = "p_attention_dropout=0,p_decoder_dropout=0"
BATCH = 16
CASES = (
    Case("demo", DEMO + NO_DROPOUT, 30, 70),
    Case("demo, dropout", DEMO + "p_attention_dropout=0.1,p_decoder_dropout=0.1", 30, 70),
    Case("28 M", NO_DROPOUT, 60, 200),
    Case("28 M, dropout", "p_attention_dropout=0.1,p_decoder_dropout=0.1", 60, 200),
)


class Step:
    """Forward and backward of one batch, by either decoder."""

    def __init__(self, case: Case) -> None:
        hparams: HParams = create_hparams(PLAIN + case.overrides)
        torch.manual_seed(0)
        self.model = Tacotron2(hparams)
        frames = case.num_steps * self.model.r
        self.text = torch.randint(1, hparams.model.n_symbols, (BATCH, case.num_symbols))
        self.text_lengths = torch.linspace(case.num_symbols, case.num_symbols // 2, BATCH).long()
        self.mel = torch.randn(BATCH, frames, hparams.audio.n_mel_channels)
        self.mel_lengths = torch.full((BATCH,), frames)
        self.fast = self.model.decoder.forward

    def loss(self) -> Tensor:
        output = self.model(self.text, self.text_lengths, self.mel, self.mel_lengths)
        error = (output.mel_before - self.mel).square().mean() + (output.mel_after - self.mel).square().mean()
        return error + output.gate_logits.square().mean() + output.alignments.square().mean()

    def run(self, naive: bool, clock: Callable[[], float]) -> float:
        """Seconds of one step."""
        decoder = self.model.decoder
        decoder.forward = decoder.decode_stepwise if naive else self.fast
        self.model.zero_grad(set_to_none=True)
        start = clock()
        self.loss().backward()
        return clock() - start


def measure(case: Case, pairs: int, clock: Callable[[], float]) -> str:
    step = Step(case)
    for naive in (False, True):
        step.run(naive, clock)
    seconds = [(step.run(False, clock), step.run(True, clock)) for _ in range(pairs)]
    ratios = [naive / fast for fast, naive in seconds]
    fast, naive = (median(side) * 1e3 for side in zip(*seconds, strict=True))
    frames = BATCH * case.num_steps * step.model.r / fast * 1e3
    return (
        f"{case.name:<14} {fast:>9.0f} {naive:>10.0f} {median(ratios):>7.2f} "
        f"{min(ratios):>6.2f} - {max(ratios):<6.2f} {frames:>9.0f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--cpu-time", action="store_true", help="time on the processor, not by the clock")
    parser.add_argument("--only", default="", help="cases whose name begins so")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    clock = time.process_time if options.cpu_time else time.perf_counter
    print(
        f"batch {BATCH}, float32, {options.threads} threads, {options.pairs} pairs, torch {torch.__version__}"
    )
    print(f"{'case':<14} {'fast, ms':>9} {'naive, ms':>10} {'ratio':>7} {'spread':^15} {'frames/s':>9}")
    for case in CASES:
        if case.name.startswith(options.only):
            print(measure(case, options.pairs, clock), flush=True)


if __name__ == "__main__":
    main()
