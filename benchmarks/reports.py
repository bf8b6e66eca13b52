"""What a report costs: the time of all that makes it, against the training steps that it is made once for.

    PYTHONPATH=src python benchmarks/reports.py --threads 2 --pairs 5

A turn is ten steps of the demo's trainer on the same batch, then one that leads to a report, and the report:
the snapshot with its picture, the report in words and as a file. The share is that of one report in the
steps of `train.report_every`, turn by turn. `more` is what the step before the report takes longer than the
others, because the model's answers are kept.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from statistics import median

from corpus import all_clips, named_after, noise_folder, noise_items
from measuring import Clock, arguments, begin, size, table

from smart_tuner.debug_reporter import DebugReporter
from smart_tuner.messages import Language
from smart_tuner.report_words import report_told
from tacotron2.data.dataset import Batch, TextMelCollate
from tacotron2.training.loop import record
from tacotron2.training.meter import Meter
from tacotron2.training.snapshot import Snapshots
from tacotron2.training.trainer import Trainer

STEPS = 10


class Turn:
    """Seconds for a step, for the step to a report, and for the report."""

    def __init__(self, trainer: Trainer, batch: Batch, home: Path, clock: Clock) -> None:
        self.trainer, self.batch, self.home, self.clock = trainer, batch, home, clock
        trainer.snapshots = Snapshots(STEPS + 1)
        self.reporter = DebugReporter(home)

    def run(self) -> tuple[float, float, float]:
        trainer, meter = self.trainer, Meter()
        began = self.clock()
        for _ in range(STEPS):
            trainer.step(self.batch, meter)
        plain = self.clock()
        trainer.step(self.batch, meter)
        trainer.guard.look()
        told = record(trainer, meter)
        looked = self.clock()
        assert told is not None and trainer.snapshots.is_due(trainer.progress.step)
        self.reporter.note(told)
        norms, r = trainer.guard.last_norms(), trainer.model.r
        report = self.reporter.note(trainer.snapshots.take(trainer.progress.step, r, norms, self.home))
        assert report is not None
        report_told(report, Language.EN)
        return (plain - began) / STEPS, looked - plain, self.clock() - looked


def main() -> None:
    options = arguments(__doc__, batch=16, symbols=60, frames=200).parse_args()
    clock = begin(options)
    name = "tiny" if options.tiny else "demo"
    hparams = size(name)
    shape = (2, 6, 8) if options.tiny else (options.batch, options.symbols, options.frames)
    with tempfile.TemporaryDirectory(prefix="benchmark-") as temporary:
        home = Path(temporary)
        clips = all_clips(noise_folder(hparams, home / "noise"), hparams, home)
        trainer = Trainer(hparams, clips, clips, home, "cpu")
        noise = TextMelCollate(hparams.model.n_frames_per_step)(noise_items(hparams, *shape))
        turn = Turn(trainer, named_after(noise, clips), home, clock)
        turn.run()  # the first one loads fonts
        turns = [turn.run() for _ in range(options.pairs)]
    every = hparams.train.report_every
    row = [
        name,
        every,
        f"{median(step for step, _, _ in turns) * 1e3:.4g}",
        f"{median(last - step for step, last, _ in turns) * 1e3:.3g}",
        f"{median(report for _, _, report in turns) * 1e3:.4g}",
        f"{median(report / (step * every) for step, _, report in turns):.2%}",
    ]
    head = ["preset", "steps a report", "step, ms", "more, ms", "report, ms", "share"]
    table(head, [row], f"Batch {shape[0]}, {shape[1]} symbols, {shape[2]} frames")


if __name__ == "__main__":
    main()
