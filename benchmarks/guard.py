"""What guard and ledger cost: whole training steps with the guard and without, in turn, and their own time.

    PYTHONPATH=src python benchmarks/guard.py --threads 2 --pairs 5

A turn is `train.log_every` steps of the demo's trainer and the look after them. Without the guard nothing is
kept, read or judged; gradient norms, which clipping needs anyway, and the truth value that masks are in both.
The two sides differ by less than steps do among themselves, so the guard's own calls are also timed alone,
within the same turns: that is its share. The same is done for the ledger of recordings, which both keep.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any, cast

from corpus import all_clips, named_after, noise_folder, noise_items
from measuring import Clock, arguments, begin, in_turn, milliseconds, ratio, size, table

from tacotron2.data.dataset import Batch, TextMelCollate
from tacotron2.training.clip_ledger import ClipLedger
from tacotron2.training.guard import Guard
from tacotron2.training.meter import Meter
from tacotron2.training.trainer import Trainer


class NoGuard:
    """Takes everything and does nothing."""

    def __getattr__(self, name: str) -> Callable[..., list[Any]]:
        return lambda *arguments: []


class Timed:
    """Guard or ledger; `seconds` is the time spent in it."""

    def __init__(self, part: Guard | ClipLedger, clock: Clock) -> None:
        self._part, self._clock = part, clock
        self.seconds = 0.0

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._part, name)
        if not callable(call):
            return call

        def timed(*arguments: Any) -> Any:
            start = self._clock()
            try:
                return call(*arguments)
            finally:
                self.seconds += self._clock() - start

        return timed


class Turn:
    """`log_every` steps on the same batch, then the look."""

    def __init__(self, trainer: Trainer, batch: Batch, clock: Clock) -> None:
        self.trainer, self.batch = trainer, batch
        self.timed = Timed(trainer.guard, clock)
        self.own: list[float] = []
        self.ledger = Timed(trainer.clips, clock)
        self.of_ledger: list[float] = []
        trainer.clips = cast(ClipLedger, self.ledger)

    def with_guard(self) -> None:
        self.timed.seconds = self.ledger.seconds = 0.0
        self._run(self.timed)
        self.own.append(self.timed.seconds)
        self.of_ledger.append(self.ledger.seconds)

    def without(self) -> None:
        self._run(NoGuard())

    def _run(self, guard: Timed | NoGuard) -> None:
        trainer, meter = self.trainer, Meter()
        trainer.guard = cast(Guard, guard)
        for _ in range(trainer.hparams.train.log_every):
            trainer.step(self.batch, meter)
        meter.means()
        trainer.guard.look()
        trainer.guard.adjust(trainer.progress.step, trainer.knobs)
        trainer.guard.require_sound()


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
        turn = Turn(trainer, named_after(noise, clips), clock)
        seconds = in_turn({"with": turn.with_guard, "without": turn.without}, options.pairs, clock)
    steps, own, of_ledger = hparams.train.log_every, turn.own[1:], turn.of_ledger[1:]
    row = [
        name,
        steps,
        *(f"{float(milliseconds(seconds[side])) / steps:.4g}" for side in ("without", "with")),
        ratio(seconds["with"], seconds["without"]),
        f"{median(own) / steps * 1e6:.0f}",
        f"{median(o / s for o, s in zip(own, seconds['with'], strict=True)):.2%}",
        f"{median(of_ledger) / steps * 1e6:.0f}",
        f"{median(o / s for o, s in zip(of_ledger, seconds['with'], strict=True)):.2%}",
    ]
    head = ["preset", "steps a look", "step without, ms", "with, ms", "with / without", "guard, us", "share"]
    head += ["ledger, us", "share"]
    title = f"Batch {shape[0]}, {shape[1]} symbols, {shape[2]} frames"
    table(head, [row], title)


if __name__ == "__main__":
    main()
