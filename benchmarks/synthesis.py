"""Free running: mel synthesis against the paper's loop, in float32 and with rounded weights, and in batches.

    PYTHONPATH=src python benchmarks/synthesis.py --threads 1 --pairs 5

`algorithm` is naive / exact, both in float32; `precision` is exact / rounded, the large weights in bf16;
`both` is naive / rounded, which is what `smart-tuner synthesize` gains. The distance of the rounded weights
is that of the normalised mel after all steps, with the same dropout, of an untrained model; with
`--checkpoint` and `--texts` that of a voice's own sentences, to their stop token.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from statistics import median

import torch
from measuring import Clock, arguments, begin, in_turn, milliseconds, peak_mb, ratio, size, table

from tacotron2.checkpoint import load_model
from tacotron2.metrics import alignment_metrics, mcd_dtw_db
from tacotron2.models import Synthesis, Tacotron2, Voice, products
from tacotron2.synthesis import speak
from tacotron2.text import text_to_sequence

SENTENCES = 8
HEAD = (
    "batch, symbols", "naive, ms/step", "exact, ms/step", "rounded, ms/step", "algorithm", "precision",
    "both", "frames/s",
)  # fmt: skip


class Speaking:
    """A model that never stops, so that every side does the same number of steps."""

    def __init__(self, model: Tacotron2, steps: int) -> None:
        self.model, self.steps = model.eval(), steps
        with torch.no_grad():
            model.decoder.gate_layer.weight.zero_()
            model.decoder.gate_layer.bias.fill_(-20.0)
        self.voices = {"exact": Voice(model.decoder), "rounded": Voice(model.decoder, rounded=True)}

    def run(self, way: str, batch: int, symbols: int) -> Synthesis:
        """The steps of a batch: naive, exact or rounded."""
        torch.manual_seed(1)
        device = self.model.mel_mean.device
        text = torch.randint(1, 60, (batch, symbols)).to(device)
        lengths = torch.full((batch,), symbols, device=device)
        if way == "naive":
            return self.model.infer(text, lengths, self.steps, stepwise=True)
        return self.model.infer(text, lengths, self.steps, voice=self.voices[way])

    def one_by_one(self, way: str, symbols: int) -> None:
        for _ in range(SENTENCES):
            self.run(way, 1, symbols)

    def distance(self, symbols: int) -> float:
        """Root mean square of what rounding changed, over that of the normalised mel."""
        exact, rounded = (self.model.normalise(self.run(way, 1, symbols).mel) for way in self.voices)
        return float((rounded - exact).norm() / exact.norm())


def compare(speaking: Speaking, batch: int, symbols: int, pairs: int, clock: Clock) -> list[str]:
    ways = ("naive", "exact", "rounded")
    seconds = in_turn({way: partial(speaking.run, way, batch, symbols) for way in ways}, pairs, clock)
    frames = batch * speaking.steps * speaking.model.r / median(seconds["rounded"])
    return [
        f"{batch}, {symbols}",
        *(milliseconds([second / speaking.steps for second in seconds[way]]) for way in ways),
        ratio(seconds["naive"], seconds["exact"]),
        ratio(seconds["exact"], seconds["rounded"]),
        ratio(seconds["naive"], seconds["rounded"]),
        f"{frames:.0f}",
    ]


def together(speaking: Speaking, symbols: int, pairs: int, clock: Clock) -> None:
    """Several sentences in one batch against one by one, by the same path."""
    rows = []
    for way in speaking.voices:
        alone = partial(speaking.one_by_one, way, symbols)
        batch = partial(speaking.run, way, SENTENCES, symbols)
        seconds = in_turn({"alone": alone, "batch": batch}, pairs, clock)
        both = (milliseconds(seconds[side]) for side in ("alone", "batch"))
        rows.append([way, *both, ratio(seconds["alone"], seconds["batch"])])
    head = ["path", "one by one, ms", "one batch, ms", "one by one / one batch"]
    table(head, rows, f"{SENTENCES} sentences of {symbols} symbols")


def heard_distance(checkpoint: Path, texts: Path) -> str:
    """Rounded against exact, sentence by sentence: distortion between the two, and both alignments."""
    model = load_model(checkpoint).eval()
    sequences = [
        torch.tensor(text_to_sequence(line, model.hparams.text.language).ids)
        for line in texts.read_text(encoding="utf-8").splitlines()
        if line.strip()
    ]
    exact, rounded = (speak(model, sequences, rounded=way) for way in (False, True))
    apart = [mcd_dtw_db(one.mel, other.mel) or 0.0 for one, other in zip(rounded, exact, strict=True)]
    alignments = [
        sum(alignment_metrics(speech.alignment).alignment or 0.0 for speech in way) / len(way)
        for way in (exact, rounded)
    ]
    return (
        f"{len(sequences)} sentences, exact against rounded: distortion {sum(apart) / len(apart):.2f} dB "
        f"(at most {max(apart):.2f}), alignment {alignments[0]:.3f} and {alignments[1]:.3f}."
    )


def main() -> None:
    parser = arguments(__doc__, steps=200, symbols=60)
    parser.add_argument("--model", default="28 M", help="28 M, or a preset")
    parser.add_argument("--checkpoint", type=Path, help="a trained voice instead")
    parser.add_argument("--texts", type=Path, help="sentences for it to speak, one a line")
    parser.add_argument("--round-all", action="store_true", help="round small weights too")
    options = parser.parse_args()
    clock = begin(options)
    if options.round_all or options.tiny:
        products.CACHED_BYTES = 0
    torch.manual_seed(0)
    name = "tiny" if options.tiny else options.model
    model = load_model(options.checkpoint) if options.checkpoint else Tacotron2(size(name))
    speaking = Speaking(model, 4 if options.tiny else options.steps)
    symbols = 6 if options.tiny else options.symbols
    shapes = [(1, symbols), (1, 2 * symbols), (4, symbols), (SENTENCES, symbols)]
    rows = [compare(speaking, *shape, options.pairs, clock) for shape in shapes]
    table(HEAD, rows, f"{options.checkpoint or name}, {speaking.steps} steps")
    together(speaking, symbols, options.pairs, clock)
    print(f"Rounded weights: {speaking.voices['rounded'].decode.dtype}, products of the decoder LSTM.")
    if options.checkpoint and options.texts:
        print(heard_distance(options.checkpoint, options.texts))
        return
    print(f"Distance after {speaking.steps} steps: {speaking.distance(symbols):.2%} of the normalised mel.")
    print(f"Peak memory of the whole process: {peak_mb():.0f} MB")


if __name__ == "__main__":
    main()
