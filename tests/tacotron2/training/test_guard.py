"""Incidents of real updates: what they tell, what is kept of them, and what they change."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from tacotron2.checkpoint import read_checkpoint
from tacotron2.data.dataset import Batch, Item, TextMelCollate, TextMelLoader
from tacotron2.data.shares import BatchShares
from tacotron2.events import Event, IncidentEvent, StepEvent
from tacotron2.hparams import HParams
from tacotron2.training import NonFiniteLossError, loop, train
from tacotron2.training.guard import MOST_OVERFLOWS
from tacotron2.training.incident_folder import KEPT, read_evidence, whole_batch
from tacotron2.training.meter import Meter
from tacotron2.training.readings import Reading
from tacotron2.training.replay import replay
from tacotron2.training.trainer import Trainer

Sets = tuple[TextMelLoader, TextMelLoader]


class PoisonedClips(TextMelLoader):
    """Some utterances whose mel holds one Inf. `served` are the names in the order in which they were asked
    for."""

    def __init__(self, clean: TextMelLoader, poisoned: tuple[int, ...] = (4,)) -> None:
        vars(self).update(vars(clean))
        self.poisoned, self.served = poisoned, list[str]()

    def __getitem__(self, index: int) -> Item:
        item = super().__getitem__(index)
        self.served.append(item.utterance.id)
        if index not in self.poisoned:
            return item
        mel = item.mel.clone()
        mel[3, 2] = math.inf
        return replace(item, mel=mel)

    def name(self, number: int = 0) -> str:
        return self.utterances[self.poisoned[number]].id


@contextmanager
def scaled_gradients(trainer: Trainer, factor: float) -> Iterator[None]:
    handles = [p.register_hook(lambda gradient: gradient * factor) for p in trainer.model.parameters()]
    yield
    for handle in handles:
        handle.remove()


def incidents_of(events: list[Event], *kinds: str) -> list[IncidentEvent]:
    found = [event for event in events if isinstance(event, IncidentEvent)]
    return [event for event in found if not kinds or event.incident in kinds]


def run(hparams: HParams, train_set: TextMelLoader, sets: Sets, folder: Path, **options: Any) -> list[Event]:
    events: list[Event] = []
    train(hparams, train_set, sets[1], folder, device="cpu", emit=events.append, **options)
    return events


def weights_after(folder: Path) -> dict[str, Any]:
    (state,) = sorted((folder / "checkpoints").glob("state-*.ckpt"))[-1:]
    return read_checkpoint(state)


@pytest.mark.usefixtures("blank_pictures")
class TestPoisonedClip:
    """Five updates an epoch: the clip comes once in each."""

    @pytest.mark.parametrize("parts", [1, 4])
    def test_it_is_named_then_left_out(self, tiny: HParams, sets: Sets, tmp_path: Path, parts: int) -> None:
        """Also where what is left of a batch has fewer utterances than it is computed in parts."""
        poisoned = PoisonedClips(sets[0])
        hparams = tiny.replace(log_every=1, accumulation_steps=parts)
        events = run(hparams, poisoned, sets, tmp_path)
        masked = incidents_of(events, "non_finite_update")
        first, second = (event.step for event in masked)
        assert 1 <= first <= 5 < second <= 10
        for event in masked:
            assert event.details["culprits"] == [poisoned.name()]
            assert poisoned.name() in event.details["utterances"]
            assert {"total", "mel_before", "reference"} <= set(event.details["terms"])
            assert event.details["weights_step"] == event.step
            assert len(event.details["last_norms"]) == min(10, event.step - 1 - (event is masked[1]))
        (out,) = incidents_of(events, "poisoned_clip")
        assert (out.step, out.details) == (second, {"utterance": poisoned.name(), "steps": [first, second]})
        served = poisoned.served[len(poisoned) :]  # after the statistics of all mels
        assert served.count(poisoned.name()) == 2
        assert json.loads((tmp_path / "quarantine.json").read_text())["quarantined"] == [
            {**out.details, "why": "not finite"}
        ]
        assert set(served) == {utterance.id for utterance in sets[0].utterances}

    def test_it_ends_nothing_where_an_epoch_is_one_batch(
        self, tiny: HParams, sets: Sets, tmp_path: Path
    ) -> None:
        hparams = tiny.replace(batch_size=18, log_every=10, validate_every=100)
        events = run(hparams, PoisonedClips(sets[0]), sets, tmp_path)
        assert [event.step for event in incidents_of(events, "non_finite_update")] == list(range(1, 11))
        assert [event.step for event in incidents_of(events, "poisoned_clip")] == [10]
        assert [path.name for path in sorted((tmp_path / "incidents").iterdir())] == [
            f"{step:07d}" for step in (1, 2, 3)
        ]
        assert events[-1].kind == "finished"

    def test_an_interruption_changes_nothing(self, tiny: HParams, sets: Sets, tmp_path: Path) -> None:
        """Whether it comes before the clip is known, between its two updates, before the look, or after."""
        hparams = tiny.replace(log_every=4, validate_every=100, checkpoint_every=100)
        run(hparams, PoisonedClips(sets[0]), sets, tmp_path / "whole")
        whole = weights_after(tmp_path / "whole")
        assert whole["guard"]["quarantine"]["names"] == [PoisonedClips(sets[0]).name()]
        (second,) = (steps[1] for steps in whole["guard"]["quarantine"]["seen"].values())
        for cut in (1, 6, second, second + 1, 15):
            answers = iter([None] * (cut - 1) + ["stopped"])
            folder = tmp_path / str(cut)
            run(hparams, PoisonedClips(sets[0]), sets, folder, stop_requested=lambda: next(answers))  # noqa: B023
            assert weights_after(folder)["step"] == cut
            torch.manual_seed(cut)
            run(hparams, PoisonedClips(sets[0]), sets, folder)
            resumed = weights_after(folder)
            torch.testing.assert_close(resumed["model"], whole["model"], rtol=0, atol=0)
            assert (resumed["guard"], resumed["knobs"]) == (whole["guard"], whole["knobs"])

    def test_three_at_once_end_the_attempt_and_the_next_leaves_them_out(
        self, tiny: HParams, sets: Sets, tmp_path: Path
    ) -> None:
        """As the supervisor goes back: to before the trouble, where nothing was known of it."""
        hparams = tiny.replace(batch_size=1, max_steps=8, log_every=1, bucket_batches=1)
        order = [indices[0] for indices in Trainer(hparams, *sets, tmp_path / "none", "cpu").sampler]
        poisoned = PoisonedClips(sets[0], tuple(order[1:4]))
        hparams = hparams.replace(validate_every=100)
        with pytest.raises(NonFiniteLossError, match="steps 2, 3, 4"):
            run(hparams, poisoned, sets, tmp_path)
        names = [poisoned.name(number) for number in range(3)]
        assert json.loads((tmp_path / "quarantine.json").read_text())["suspects"] == sorted(names)
        events = run(hparams, poisoned, sets, tmp_path)
        # A tenth of 18 clips is one: the first is left out, the other two are told.
        assert [event.step for event in incidents_of(events, "poisoned_clip")] == [2]
        assert [event.step for event in incidents_of(events, "non_finite_update")] == [2, 3, 4]
        assert events[-1].kind == "finished"

    def test_loader_processes_fetch_it_no_more(self, tiny: HParams, sets: Sets, tmp_path: Path) -> None:
        trainer = Trainer(tiny.replace(num_workers=1), *sets, tmp_path, "cpu")
        batches = trainer.batches()
        seen = [next(batches).ids for _ in range(6)]
        trainer.guard.quarantine.saw(1, [seen[0][0]])
        trainer.guard.quarantine.saw(6, [seen[0][0]])
        (told,) = trainer.adjust()
        assert told.incident == "poisoned_clip"
        seen += [next(batches).ids for _ in range(9)]
        batches.close()
        assert not any(seen[0][0] in ids for ids in seen[6:])
        other = Trainer(tiny, *sets, tmp_path / "other", "cpu").batches()
        expected = [next(other).ids for _ in range(15)]
        assert seen[6:] == [tuple(name for name in ids if name != seen[0][0]) for ids in expected[6:]]


class TestReplay:
    def masked(self, tiny: HParams, train_set: TextMelLoader, sets: Sets, folder: Path) -> IncidentEvent:
        trainer, meter = Trainer(tiny, train_set, sets[1], folder, "cpu"), Meter()
        batches = trainer.batches()
        for _ in range(5):
            trainer.step(next(batches), meter)
        (incident,) = trainer.guard.look()
        return incident

    @pytest.mark.parametrize(
        "changes", [{}, {"accumulation_steps": 2}, {"precision": "bf16"}, {"precision": "fp16"}]
    )
    def test_the_same_terms_are_reached(
        self, tiny: HParams, sets: Sets, tmp_path: Path, changes: dict[str, Any]
    ) -> None:
        incident = self.masked(tiny.replace(**changes), PoisonedClips(sets[0]), sets, tmp_path)
        assert incident.folder == f"incidents/{incident.step:07d}"
        before = torch.get_rng_state()
        found = replay(tmp_path / incident.folder)
        assert found.reached and list(found.terms) == incident.details["terms"]
        assert torch.equal(torch.get_rng_state(), before)
        assert incident.details["weights_step"] == 5

    def test_it_is_the_update_itself(self, tiny: HParams, sets: Sets, tmp_path: Path) -> None:
        """Looked at at once, so that the weights are those of the update: every term comes out the same."""
        trainer, meter = Trainer(tiny, *sets, tmp_path, "cpu"), Meter()
        batches = trainer.batches()
        trainer.step(next(batches), meter)
        trainer.guard.look()
        with scaled_gradients(trainer, math.inf):
            trainer.step(next(batches), meter)
        terms = {name: float(value) for name, value in trainer.guard._readings[0].terms.items()}
        (incident,) = trainer.guard.look()
        assert incident.details["terms"] == [] and len(incident.details["layers"]) == 40
        assert incident.details["culprits"] == [] and incident.folder is not None
        evidence = read_evidence(tmp_path / incident.folder)
        again = Trainer(tiny, *sets, tmp_path / "again", "cpu")
        again.model.load_state_dict(dict(evidence.weights))
        again.progress.step = 1
        torch.set_rng_state(evidence.rng["cpu"])
        again.step(evidence.made.batch, meter)
        assert {n: float(v) for n, v in again.guard._readings[0].terms.items()} == terms
        # What made the gradients infinite was in neither batch nor weights.
        assert not replay(tmp_path / incident.folder).reached

    def test_only_the_newest_are_kept_whole_or_absent(
        self, tiny: HParams, sets: Sets, tmp_path: Path
    ) -> None:
        trainer, meter = Trainer(tiny, *sets, tmp_path, "cpu"), Meter()
        batches = trainer.batches()
        (tmp_path / "incidents" / ".0000001-killed").mkdir(parents=True)
        for _ in range(KEPT + 2):
            with scaled_gradients(trainer, math.nan):
                trainer.step(next(batches), meter)
            trainer.guard.look()
        kept = sorted(path.name for path in (tmp_path / "incidents").iterdir())
        assert kept == [f"{step:07d}" for step in range(3, KEPT + 3)]
        for name in kept:
            files = {path.name for path in (tmp_path / "incidents" / name).iterdir()}
            assert files == {"replay.ckpt", "replay.ckpt.json", "incident.json"}

    def test_after_a_rollback_the_newest_is_kept_and_the_oldest_goes(
        self, tiny: HParams, sets: Sets, tmp_path: Path
    ) -> None:
        """Another seed began anew: the newest incident has the lowest step."""
        for number in range(KEPT):
            folder = tmp_path / "incidents" / f"{1000 - number:07d}"
            folder.mkdir(parents=True)
            os.utime(folder, (number, number))
        incident = self.masked(tiny, PoisonedClips(sets[0]), sets, tmp_path)
        kept = sorted(path.name for path in (tmp_path / "incidents").iterdir())
        assert incident.folder is not None
        assert kept == [Path(incident.folder).name, *(f"{step:07d}" for step in (996, 997, 998, 999))]

    def test_a_disk_that_takes_nothing_ends_nothing(
        self, tiny: HParams, sets: Sets, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        (tmp_path / "incidents").write_text("in the way")
        incident = self.masked(tiny, PoisonedClips(sets[0]), sets, tmp_path)
        assert incident.folder is None and "nothing is left to replay" in caplog.text

    def test_the_rows_of_several_processes_are_one_batch(self, sets: Sets) -> None:
        collate, chosen = TextMelCollate(3), [3, 0, 7, 12, 5]
        for count in (1, 2, 3, 7):
            shares = [BatchShares(sets[0], collate, rank, count)[chosen] for rank in range(count)]
            batch, expected = whole_batch(shares), collate([sets[0][index] for index in chosen])
            assert (batch.ids, batch.whole) == (expected.ids, None)
            for name in ("text", "text_lengths", "mel", "mel_lengths", "gate"):
                assert torch.equal(getattr(batch, name), getattr(expected, name)), (count, name)


@pytest.mark.usefixtures("blank_pictures")
def test_the_rate_falls_where_gradients_explode_and_recovers(
    tiny: HParams, sets: Sets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = Trainer.step

    def spiked(trainer: Trainer, batch: Batch, meter: Meter) -> None:
        spike = 30 <= trainer.progress.step < 33
        with scaled_gradients(trainer, 1e5 if spike else 1.0):
            step(trainer, batch, meter)

    monkeypatch.setattr(Trainer, "step", spiked)
    hparams = tiny.replace(
        max_steps=72, log_every=2, calm_steps=10, warmup_steps=0, validate_every=100, checkpoint_every=100
    )
    events = run(hparams, sets[0], sets, tmp_path)
    (incident,) = incidents_of(events)
    assert (incident.incident, incident.step) == ("exploding_norm", 31)
    assert incident.details["norm"] > 1000 * incident.details["norm_median"] > 0
    assert len(incident.details["layers"]) == 5 and len(incident.details["last_norms"]) == 10
    rates = {event.step: event.learning_rate / 1e-3 for event in events if isinstance(event, StepEvent)}
    # Found at 32, explodes until 33.
    assert rates[32] == 1.0 and rates[34] == rates[44] == 0.5
    assert rates[46] == pytest.approx(0.63) and rates[56] == pytest.approx(0.7938)
    assert rates[66] == rates[72] == pytest.approx(1.0)
    history = weights_after(tmp_path)["knobs"]["history"]
    assert [(request["by"], request["reason"]) for request in history] == [
        ("guard", "exploding_norm"),
        *[("guard", "10 calm steps")] * 3,
    ]


@pytest.mark.usefixtures("blank_pictures")
def test_collapse_is_told_from_validations(
    tiny: HParams, sets: Sets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge, alignments = loop.validate, iter([0.7, 0.1, 0.1])

    def collapsing(*arguments: Any) -> Any:
        result = judge(*arguments)
        figures = result.free_running.figures | {"attention_alignment": next(alignments)}
        forced = result.teacher_forced.figures | {"val_loss": 31.0}
        return replace(
            result,
            free_running=replace(result.free_running, figures=figures),
            teacher_forced=replace(result.teacher_forced, figures=forced),
        )

    monkeypatch.setattr(loop, "validate", collapsing)
    events = run(tiny.replace(max_steps=6, validate_every=2), sets[0], sets, tmp_path)
    told = [(event.step, event.incident) for event in incidents_of(events)]
    assert told == [(2, "validation_loss"), (6, "attention_collapse")]


def test_an_overflow_of_the_loss_scale_is_counted_and_no_incident_unless_it_stays(
    tiny: HParams, sets: Sets, tmp_path: Path
) -> None:
    trainer, meter = Trainer(tiny, *sets, tmp_path, "cpu"), Meter()
    trainer.step(next(trainer.batches()), meter)
    guard, (good,) = trainer.guard, trainer.guard._readings
    yes = torch.tensor(True)
    bad: Reading = replace(good, masked=yes, overflow=yes, norms=torch.full_like(good.norms, math.inf))
    guard.look()
    for _ in range(MOST_OVERFLOWS - 1):
        guard._readings.append(bad)
    guard._readings.append(good)
    for _ in range(MOST_OVERFLOWS - 1):
        guard._readings.append(bad)
    assert guard.look() == []
    guard.require_sound()
    assert guard.overflows == 2 * (MOST_OVERFLOWS - 1)
    again = Trainer(tiny, *sets, tmp_path, "cpu").guard
    again.load_state_dict(json.loads(json.dumps(guard.state_dict())))
    again._readings.append(bad)
    (incident,) = again.look()
    assert incident.incident == "non_finite_update" and incident.details["overflows"] == MOST_OVERFLOWS


def test_a_model_at_fault_has_no_culprits(tiny: HParams, sets: Sets, tmp_path: Path) -> None:
    trainer, meter = Trainer(tiny, *sets, tmp_path, "cpu"), Meter()
    trainer.model.decoder.gate_layer.register_forward_hook(lambda *call: call[-1] * math.nan)
    trainer.step(next(trainer.batches()), meter)
    (incident,) = trainer.guard.look()
    assert incident.details["terms"] == ["total", "gate", "reference"]
    assert incident.details["culprits"] == []


def test_other_processes_come_to_the_same_judgement(tiny: HParams, sets: Sets, tmp_path: Path) -> None:
    """Culprits of every process's rows are known to all of them; only the first writes."""
    poisoned = PoisonedClips(sets[0], (3, 7))
    chosen = [3, 0, 7, 12]
    shares = [BatchShares(poisoned, TextMelCollate(3), rank, 2)[chosen] for rank in range(2)]
    culprits = [(poisoned.name(0), poisoned.name(1)), ()]
    for rank in range(2):
        folder = tmp_path / str(rank)
        trainer, meter = Trainer(tiny, poisoned, sets[1], folder, "cpu"), Meter()
        trainer.step(shares[rank], meter)
        batches = iter([[(share.ids, names) for share, names in zip(shares, culprits, strict=True)], shares])
        trainer.guard._guarded = replace(  # type: ignore[attr-defined]
            trainer.guard._guarded,
            ranks=SimpleNamespace(  # type: ignore[arg-type]
                is_first=rank == 0,
                summed=lambda values: values,
                gathered=lambda value: next(batches),  # noqa: B023
            ),
        )
        (reading,) = trainer.guard._readings
        trainer.guard._readings = [replace(reading, masked=torch.tensor(True))]
        (incident,) = trainer.guard.look()
        assert incident.details["culprits"] == list(culprits[0])
        assert incident.details["utterances"] == [*shares[0].ids, *shares[1].ids]
        assert (folder / "incidents").exists() == (rank == 0)
