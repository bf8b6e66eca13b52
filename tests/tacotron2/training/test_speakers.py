"""Two speakers in one model: each row has its own in every pass, and the names stay with the weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from tacotron2.checkpoint import CheckpointError, load_model, read_checkpoint, save_checkpoint
from tacotron2.cli import DATA_ERROR, main
from tacotron2.data.dataset import Batch, Item, TextMelCollate, TextMelLoader
from tacotron2.data.features import FeatureCache
from tacotron2.data.shares import BatchShares
from tacotron2.data.speakers import speaker_names
from tacotron2.data.utterances import read_list
from tacotron2.evaluation import free_running, teacher_forced
from tacotron2.hparams import HParams
from tacotron2.models import Tacotron2
from tacotron2.synthesis import SpeakerError, speak, synthesise
from tacotron2.training import estimate, train, validation
from tacotron2.training.meter import Meter
from tacotron2.training.micro_batches import split
from tacotron2.training.trainer import Trainer
from tacotron2.voice import About, load_voice, write_voice
from tacotron2.voice_card import Card
from tacotron2.voice_file import VoiceError, pack, unpack

Sets = tuple[TextMelLoader, TextMelLoader]
NAMES = ("anna", "bert")
TEXT = "the old clock."


@pytest.fixture(scope="session")
def two(tiny: HParams) -> HParams:
    """Four updates, and a pre-net that drops nothing when it speaks."""
    steps = {"max_steps": 4, "validate_every": 4, "checkpoint_every": 4, "accumulation_steps": 2}
    return tiny.replace(n_speakers=2, prenet_dropout_at_synthesis=False, **steps)


MakeSets = Callable[..., Sets]


@pytest.fixture(scope="session")
def make_sets(tiny_corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> MakeSets:
    """`make_sets(hparams, names)`: the tiny corpus, its clips spoken by these in turn."""

    def make(hparams: HParams, names: tuple[str, ...] = NAMES) -> Sets:
        folder, cache = (
            tmp_path_factory.mktemp("lists"),
            FeatureCache(tiny_corpus / "features", hparams.audio),
        )
        lists = []
        for split_name in ("train", "validation"):
            lines = (tiny_corpus / f"{split_name}.txt").read_text(encoding="utf-8").splitlines()
            path = folder / f"{split_name}.txt"
            path.write_text("".join(f"{line}|{names[i % len(names)]}\n" for i, line in enumerate(lines)))
            lists.append(read_list(path, tiny_corpus))
        speakers = speaker_names(lists[0], hparams.model.n_speakers)
        train_set, validation_set = (TextMelLoader(each, hparams, cache, speakers) for each in lists)
        return train_set, validation_set

    return make


@pytest.fixture(scope="session")
def two_sets(two: HParams, make_sets: MakeSets) -> Sets:
    return make_sets(two)


@pytest.fixture(scope="module")
def trained(two: HParams, two_sets: Sets, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a training to its end."""
    folder = tmp_path_factory.mktemp("run")
    with pytest.MonkeyPatch.context() as patched:
        for name in ("save_attention", "save_spectrograms"):
            patched.setattr(validation, name, lambda path, drawn: None)
        result = train(two, *two_sets, folder, device="cpu")
    assert (result.cause, result.step) == ("completed", 4) and result.best_checkpoint is not None
    return folder


@pytest.fixture
def best(trained: Path) -> Path:
    (path,) = (trained / "checkpoints").glob("best-*.ckpt")
    return path


def items_of(dataset: TextMelLoader) -> list[Item]:
    return [dataset[index] for index in range(len(dataset))]


def speakers_by_id(batch: Batch) -> dict[str, int]:
    assert batch.speakers is not None
    return dict(zip(batch.ids, batch.speakers.tolist()[: len(batch.ids)], strict=True))


def test_batches_micro_batches_and_shares_keep_speakers_with_their_rows(two_sets: Sets) -> None:
    train_set, _ = two_sets
    expected = {each.id: NAMES.index(each.speaker) for each in train_set.utterances}
    assert sorted(expected.values()) == [0] * 9 + [1] * 9
    collate, order = TextMelCollate(3), [7, 2, 11, 4, 0]
    whole = collate([train_set[index] for index in order])
    assert speakers_by_id(whole) == {train_set.utterances[i].id: i % 2 for i in order}
    assert whole.to("meta").speakers is not None
    for num_ranks in (1, 2, 3):
        found: dict[str, int] = {}
        for rank in range(num_ranks):
            for part in split(BatchShares(train_set, collate, rank, num_ranks)[order], 3, 3):
                assert part.speakers is not None and len(part.speakers) == len(part.mel)
                found |= speakers_by_id(part)
        assert found == speakers_by_id(whole)


def gradients_of(hparams: HParams, sets: Sets, folder: Path) -> dict[str, Tensor]:
    trainer, found = Trainer(hparams, *sets, folder, "cpu"), {}

    def look(*_: Any) -> None:
        found.update({n: p.grad.clone() for n, p in trainer.model.named_parameters() if p.grad is not None})

    trainer.optimizer.optimizer.register_step_pre_hook(look)
    trainer.step(next(trainer.batches()), Meter())
    return found


def test_both_speakers_are_learned_and_recomputing_changes_nothing(
    two: HParams, two_sets: Sets, tmp_path: Path
) -> None:
    kept = gradients_of(two, two_sets, tmp_path)
    rows = kept["speaker_embedding.weight"].abs().sum(dim=1)
    assert rows.shape == (2,) and bool((rows > 0).all())
    recomputed = gradients_of(two.replace(gradient_checkpointing=True), two_sets, tmp_path)
    torch.testing.assert_close(recomputed, kept, rtol=1e-4, atol=1e-6)


def test_a_speaker_without_a_row_in_the_batch_learns_nothing_from_it(
    two: HParams, two_sets: Sets, tmp_path: Path
) -> None:
    trainer = Trainer(two, *two_sets, tmp_path, "cpu")
    batch = TextMelCollate(3)([two_sets[0][index] for index in (1, 3, 5)])
    output = trainer.model(batch.text, batch.text_lengths, batch.mel, batch.mel_lengths, batch.speakers)
    output.mel_after.sum().backward()
    assert trainer.model.speaker_embedding is not None
    gradient = trainer.model.speaker_embedding.weight.grad
    assert gradient is not None and not gradient[0].any() and gradient[1].any()


def test_the_estimate_knows_speakers(two: HParams, two_sets: Sets) -> None:
    assert estimate(two, two_sets[0], "cpu").step_seconds > 0


def test_judging_hears_every_item_with_its_own_speaker(best: Path, two_sets: Sets) -> None:
    """In batches of two, as one by one; and with the speakers exchanged it is something else."""
    model, items = load_model(best), items_of(two_sets[1])
    exchanged = [replace(item, speaker=1 - item.speaker) for item in items]
    together, others = free_running(model, items, 2), free_running(model, exchanged, 2)
    for item, speech, other in zip(items, together.speeches, others.speeches, strict=True):
        (alone,) = speak(model, [item.ids], speakers=[item.speaker])
        np.testing.assert_allclose(speech.mel, alone.mel, atol=1e-4)
        assert speech.mel.shape[1] == alone.mel.shape[1]
        assert not np.array_equal(speech.mel, other.mel)
    backwards = free_running(model, items[::-1], 2)
    for speech, again in zip(together.speeches, backwards.speeches[::-1], strict=True):
        np.testing.assert_array_equal(speech.mel, again.mel)
    forced, swapped = teacher_forced(model, items, 2), teacher_forced(model, exchanged, 2)
    assert forced.figures["val_loss"] != swapped.figures["val_loss"]
    assert forced.figures["val_loss"] == teacher_forced(model, items[::-1], 2).figures["val_loss"]


def test_the_names_stay_with_the_weights_and_every_speaker_sounds_different(
    best: Path, trained: Path, tmp_path: Path
) -> None:
    (state,) = (trained / "checkpoints").glob("state-*.ckpt")
    assert read_checkpoint(state)["speakers"] == read_checkpoint(best)["speakers"] == list(NAMES)
    model = load_model(best)
    anna, bert = (synthesise(model, TEXT, speaker=name).speeches[0].mel for name in NAMES)
    assert anna.shape != bert.shape or not np.allclose(anna, bert)
    np.testing.assert_array_equal(synthesise(model, TEXT).speeches[0].mel, anna)
    write_voice(tmp_path / "v.zip", best, About(Card("Two", "en", "chirps", "2026-01-01")))
    voice = load_voice(tmp_path / "v.zip")
    np.testing.assert_array_equal(synthesise(voice.model, TEXT, speaker="bert").speeches[0].mel, bert)
    parts = unpack(tmp_path / "v.zip")
    assert "## Speakers\n\n- anna\n- bert\n" in parts["CARD.md"].decode()
    pack(tmp_path / "v.zip", parts | {"voice.json": parts["voice.json"].replace(b'"bert"', b'"bert", "c"')})
    with pytest.raises(VoiceError, match=r"voice\.json: the speakers \['anna', 'bert', 'c'\] are not those"):
        load_voice(tmp_path / "v.zip")


def test_names_that_do_not_fit_the_weights_are_no_checkpoint(best: Path, tmp_path: Path) -> None:
    content = read_checkpoint(best) | {"speakers": ["anna", "bert", "carla"]}
    save_checkpoint(tmp_path / "odd.ckpt", content, {})
    with pytest.raises(CheckpointError, match="odd.ckpt: its weights do not fit its settings .*carla"):
        load_model(tmp_path / "odd.ckpt")


def test_a_training_does_not_go_on_with_other_speakers(
    two: HParams, make_sets: MakeSets, two_sets: Sets, trained: Path
) -> None:
    assert Trainer(two, *two_sets, trained, "cpu").resume() == 4
    renamed = make_sets(two, ("anna", "carla"))
    with pytest.raises(CheckpointError, match=r"speakers \['anna', 'bert'\], .*\['anna', 'carla'\]"):
        Trainer(two, *renamed, trained, "cpu").resume()


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("carla", "no speaker 'carla': this voice has anna, bert"),
        ("ana", "no speaker 'ana': this voice has anna, bert; did you mean 'anna'?"),
        ("Anna", "no speaker 'Anna': this voice has anna, bert; did you mean 'anna'?"),
    ],
)
def test_an_unknown_speaker_is_one_line_with_the_names(
    best: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], asked: str, told: str
) -> None:
    say = ["synthesize", f"--checkpoint={best}", f"--output={tmp_path / 'a.wav'}", f"--text={TEXT}"]
    assert main([*say, f"--speaker={asked}"]) == DATA_ERROR
    assert capsys.readouterr() == ("", f"tacotron2: {told}\n")
    assert main([*say, "--speaker=bert"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "speaker: bert of 2"


def test_one_speaker_is_as_if_the_lists_named_nobody(
    tiny: HParams, make_sets: MakeSets, sets: Sets, make_model: Callable[..., Tacotron2], tmp_path: Path
) -> None:
    named = make_sets(tiny)
    assert named[0].speakers == () and {item.speaker for item in items_of(named[0])} == {0}
    plain, ours = (gradients_of(tiny, each, tmp_path) for each in (sets, named))
    assert plain.keys() == ours.keys() and not any("speaker" in name for name in ours)
    assert all(torch.equal(plain[name], ours[name]) for name in plain)
    with pytest.raises(SpeakerError, match="no speaker 'anna': this voice has one speaker"):
        synthesise(make_model(), TEXT, speaker="anna")
    with pytest.raises(ValueError, match="are not those of a model with 0 to name"):
        make_model().name_speakers(("anna",))


def test_a_set_of_several_needs_their_names(two: HParams, two_sets: Sets, tiny_corpus: Path) -> None:
    cache = FeatureCache(tiny_corpus / "features", two.audio)
    with pytest.raises(ValueError, match="'anna' is not in the training list"):
        TextMelLoader(two_sets[1].utterances, two, cache)
