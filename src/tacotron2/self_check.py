"""What can be checked of the library on this machine, in seconds: the facts, and the bars they are held to.

Each check yields plain facts. Who asks compares them with the bars; nothing here is told to a person.
"""

from __future__ import annotations

import dataclasses
import re
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import soundfile
import torch
from torch import Tensor

from tacotron2.data.corpus import FEWEST_CLIPS
from tacotron2.data.dataset import Batch, Item, TextMelCollate, TextMelLoader, mel_statistics
from tacotron2.data.demo import SPLITS, find_demo, make_demo
from tacotron2.data.features import FeatureCache
from tacotron2.data.survey import survey
from tacotron2.data.utterances import read_list
from tacotron2.hparams import DataParams, DemoParams, HParams, TextParams, create_hparams
from tacotron2.losses import Losses, Tacotron2Loss, guided_attention_weight
from tacotron2.models import Tacotron2
from tacotron2.training.card_memory import CARD_SHARE, GIB, UpdateMemory, card_fit, update_memory
from tacotron2.training.devices import choose_precision
from tacotron2.training.estimate import disk_bytes
from tacotron2.training.memory import FREE_SHARE, rows_of
from tacotron2.training.schedule import learning_rate
from tacotron2.versions import source_commit

REPORT_PARAMETERS = 58_811_635
"""Of `create_hparams()`: the project's founding report."""
WITHOUT_GRADIENT = re.compile(
    r"(encoder|postnet)\.convolutions\.\d+\.convolution\.bias|gst\.reference_encoder\.convolutions\.\d+\.bias"
)
"""In front of a batch normalisation a bias is taken away again: its gradient is zero by construction."""
LEARNS_ABOVE = 1e-6
"""Share of the median of its module's tensors: what is below is rounding noise."""
SEED, CLIPS, HELD_OUT, BATCH = 1234, 16, 2, 3
"""Of the small corpus that is made for the step, and of the batch of its shortest utterances."""
LOSSES_AT_START = {
    "total": (13.0, 54.0),
    "mel_before": (1.2, 5.2),
    "mel_after": (1.2, 5.2),
    "gate": (0.35, 1.4),
    "guided_attention": (0.005, 0.15),
    "mmi": (8.0, 33.0),
    "ddc_decoder": (1.6, 6.7),
    "ddc": (0.005, 0.5),
    "tpse": (0.04, 0.7),
}
"""Of the untrained model of the report on that batch: about half and twice what was measured. The stop token
begins at ln 2 = 0.69, the recogniser at ln 49 = 3.9 nats a decoder step."""
FAILED_MOVEMENT, ENOUGH_MOVEMENT = 0.1, 0.2
"""Sums of the learning rate over the updates: at 1e-4 attention had not formed after 1,000 of them, at 1e-3
it had after 200 (benchmarks/results/settings_rates.md)."""
CARDS_GB = (8, 12, 24)
"""Of cards for homes: told of where there is none."""
SLOW_CHARACTERS_PER_S = 8.0
BROKEN = (
    ValueError,
    OSError,
    RuntimeError,
    ArithmeticError,
    LookupError,
    TypeError,
    AttributeError,
    AssertionError,
    ImportError,
    MemoryError,
)
"""What a check of broken code or a broken machine may end with; the next check is made all the same."""


@dataclass(frozen=True)
class Job:
    """What is asked about: the settings of a training, where its recordings are, and until when attention is
    to form. `available_bytes`: of memory for the training's process on its device; `card`: they are the whole
    memory of a graphics card. `report`: of the model that is compared with the report's figures."""

    hparams: HParams
    home: Path
    folder: Path | None
    goal_steps: int
    available_bytes: int
    card: bool = False
    report: HParams = dataclasses.field(default_factory=create_hparams)


@dataclass(frozen=True)
class Step:
    """One forward and backward pass of an untrained model."""

    model: Tacotron2
    batch: Batch
    losses: Losses


class SelfCheck:
    """The checks, in the order in which they need one another."""

    def __init__(self, job: Job, workplace: Path) -> None:
        self._job = job
        self._workplace = workplace
        self._longest_s = job.hparams.data.max_seconds
        self._loader: TextMelLoader
        self._step: Step
        self._memory: UpdateMemory

    def checks(self) -> dict[str, tuple[Callable[[], dict[str, Any]], tuple[str, ...]]]:
        """Each check, and the names of those without which it cannot be made."""
        return {
            "commit": (lambda: {"commit": source_commit()}, ()),
            "rate": (self._rate, ()),
            "parameters": (self._parameters, ()),
            "data": (self._data, ()),
            "speech": (self._speech, ()),
            "TextMelLoader": (self._text_mel_loader, ("speech",)),
            "TextMelCollate": (self._collate, ()),
            "Tacotron2": (self._model, ()),
            "Tacotron2Loss": (lambda: {"second_r": Tacotron2Loss(self._job.hparams).second_r}, ()),
            "step": (self._one_step, ("TextMelLoader", "TextMelCollate", "Tacotron2", "Tacotron2Loss")),
            "gradients": (self._gradients, ("step",)),
            "losses": (self._losses, ("step",)),
            "batch": (self._batch, ("Tacotron2", "Tacotron2Loss")),
            "cards": (self._cards, ("batch",)),
        }

    def _rate(self) -> dict[str, Any]:
        """How far Adam can move a weight until attention is to have formed: about the sum of the rates."""
        train = self._job.hparams.train
        steps = min(train.max_steps, self._job.goal_steps)
        moved = sum(learning_rate(train, step) for step in range(steps))
        bars = {"failed": FAILED_MOVEMENT, "enough": ENOUGH_MOVEMENT}
        return {"rate": train.learning_rate, "steps": steps, "moved": moved} | bars

    def _parameters(self) -> dict[str, Any]:
        with torch.device("meta"):
            parameters = list(Tacotron2(self._job.report).parameters())
        learning = sum(each.numel() for each in parameters if each.requires_grad)
        count = sum(each.numel() for each in parameters)
        return {"count": count, "learning": learning, "expected": REPORT_PARAMETERS}

    def _data(self) -> dict[str, Any]:
        job = self._job
        if job.folder is not None:
            found = survey(job.folder, job.home, job.hparams)
            return dataclasses.asdict(found) | {"kind": "own", "fewest": FEWEST_CLIPS}
        corpus = find_demo(job.home, job.hparams)
        if corpus is None:
            self._longest_s = job.hparams.demo.demo_max_characters / SLOW_CHARACTERS_PER_S
            return {"kind": "none"}
        lists = {split: read_list(corpus.folder / f"{split}.txt", corpus.folder) for split in SPLITS}
        self._longest_s = max(soundfile.info(each.audio_path).duration for each in lists["train"])
        counts = {split: len(utterances) for split, utterances in lists.items()}
        return {"kind": "demo", "clips": counts, "hours": corpus.seconds / 3600}

    def _speech(self) -> dict[str, Any]:
        hparams = create_hparams().replace(
            demo_clips=CLIPS, validation_clips=HELD_OUT, test_clips=HELD_OUT, demo_seed=SEED
        )
        corpus = make_demo(self._workplace, hparams)
        self._train_list = corpus.train_list
        return {"clips": CLIPS, "seconds": corpus.seconds}

    def _text_mel_loader(self) -> dict[str, Any]:
        self._loader = self._load(self._job.report)
        return {"utterances": len(self._loader)}

    def _load(self, hparams: HParams) -> TextMelLoader:
        """The small corpus with the features of these settings, which may be made for another language."""
        plain = dataclasses.replace(hparams, text=TextParams(), data=DataParams(), demo=DemoParams())
        plain = plain.replace(n_speakers=1)
        cache = FeatureCache(self._workplace / "features", plain.audio)
        return TextMelLoader(read_list(self._train_list, self._train_list.parent), plain, cache)

    def _collate(self) -> dict[str, Any]:
        TextMelCollate(self._job.hparams.model.n_frames_per_step)
        return {}

    def _model(self) -> dict[str, Any]:
        with torch.device("meta"):
            parameters = Tacotron2(self._job.hparams).num_parameters()
        return {"parameters": parameters, "disk_bytes": disk_bytes(self._job.hparams.train, parameters)}

    def _one_step(self) -> dict[str, Any]:
        self._step = one_step(self._job.report, self._loader)
        return {"utterances": BATCH, "frames": int(self._step.batch.mel_lengths.sum())}

    def _gradients(self) -> dict[str, Any]:
        model, batch = self._step.model, self._step.batch
        without = without_gradient(model)
        known = sum(bool(WITHOUT_GRADIENT.fullmatch(name)) for name, _ in model.named_parameters())
        tensors = sum(1 for _ in model.parameters())
        return {
            "tensors": tensors - known,
            "known": known,
            "without": without,
            "silent_symbols": silent_symbols(model, batch),
        }

    def _losses(self) -> dict[str, Any]:
        terms = {name: float(value) for name, value in self._step.losses.terms().items()}
        bars = {name: bar for name, bar in LOSSES_AT_START.items() if name in terms}
        return {"terms": {name: [terms[name], *bar] for name, bar in bars.items()}}

    def _batch(self) -> dict[str, Any]:
        """In how many parts a batch of longest utterances fits the memory that there is."""
        job, train = self._job, self._job.hparams.train
        self._memory = update_memory(self._settings(), self._longest_s)
        needs = self._memory.needed_bytes if job.card else self._memory.live_bytes
        parts, usable = (
            train.accumulation_steps,
            job.available_bytes * (CARD_SHARE if job.card else FREE_SHARE),
        )
        while True:
            rows = rows_of(train.batch_size, parts, train.num_processes)
            needed = needs(rows)
            if needed <= usable or rows == 1:
                break
            parts = min(2 * parts, train.batch_size)
        told = {"rows": rows, "parts": parts, "planned": train.accumulation_steps, "needed": needed}
        return told | {"available": round(usable), "longest_s": self._longest_s}

    def _cards(self) -> dict[str, Any]:
        """What would fit cards for homes, in the arithmetic of this machine; none where there is a card."""
        hparams = self._settings()
        precision, again = hparams.train.precision, hparams.train.gradient_checkpointing
        sizes = () if self._job.card else CARDS_GB
        fits = [card_fit(hparams, self._memory, size * GIB, precision, again) for size in sizes]
        cards = [[size, fit.rows, fit.accumulation] for size, fit in zip(sizes, fits, strict=True)]
        return {"cards": cards, "precision": precision, "longest_s": self._longest_s}

    def _settings(self) -> HParams:
        """The training's, with the precision that the device would take."""
        hparams = self._job.hparams
        if hparams.train.precision != "auto":
            return hparams
        device = "cuda" if self._job.card and torch.cuda.is_available() else "cpu"
        return hparams.replace(precision=choose_precision(device))


def one_step(hparams: HParams, loader: TextMelLoader) -> Step:
    """A batch of the shortest utterances through an untrained model, on the CPU in float32."""
    torch.manual_seed(SEED)
    model = Tacotron2(hparams.replace(n_speakers=1))
    model.set_mel_statistics(*mel_statistics(loader))
    items: list[Item] = sorted(
        (loader[index] for index in range(len(loader))), key=lambda each: len(each.mel)
    )
    batch = TextMelCollate(model.r)(items[:BATCH])
    output = model(batch.text, batch.text_lengths, batch.mel, batch.mel_lengths)
    losses = Tacotron2Loss(hparams)(output, batch, guided_attention_weight(hparams.loss, 0))
    losses.total.backward()
    return Step(model, batch, losses)


def without_gradient(model: Tacotron2) -> list[str]:
    """The tensors that learn nothing and should, by name; after backward."""
    found = []
    for module, child in model.named_children():
        largest = {
            name: 0.0 if parameter.grad is None else float(parameter.grad.abs().max())
            for name, parameter in ((f"{module}.{name}", each) for name, each in child.named_parameters())
            if not WITHOUT_GRADIENT.fullmatch(name)
        }
        bar = LEARNS_ABOVE * float(torch.tensor(list(largest.values())).median()) if largest else 0.0
        found += [name for name, value in largest.items() if not value > bar]
    return found


def silent_symbols(model: Tacotron2, batch: Batch) -> list[int]:
    """Numbers of the symbols that occur in the batch and whose embedding got no gradient."""
    gradient: Tensor | None = model.embedding.weight.grad
    valid = torch.arange(batch.text.size(1)) < batch.text_lengths[:, None]
    occurring = batch.text[valid].unique()
    if gradient is None:
        return [int(each) for each in occurring]
    return [int(each) for each in occurring if float(gradient[each].abs().max()) == 0.0]


def self_check(job: Job) -> Iterator[dict[str, Any]]:
    """Before each check `{"checking": name}`, after it its facts: `checked`, and one of `facts`, `error` and
    `waits_for` (a check that failed). A process that dies has told at which check."""
    with tempfile.TemporaryDirectory() as temporary, torch.random.fork_rng(devices=[]):
        failed: dict[str, str] = {}
        for name, (check, needs) in SelfCheck(job, Path(temporary)).checks().items():
            yield {"checking": name}
            missing = [failed[need] for need in needs if need in failed]
            if missing:
                failed[name] = missing[0]
                yield {"checked": name, "waits_for": missing[0]}
                continue
            try:
                yield {"checked": name, "facts": check()}
            except BROKEN as error:
                failed[name] = name
                yield {"checked": name, "error": str(error) or type(error).__name__}
