"""From a base to a run: settings, the run's own copy, going on, and what is refused. No worker is started."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import typer
from typer.testing import CliRunner

from smart_tuner import finetune_command
from smart_tuner.cli import app
from smart_tuner.config import Config, ConfigError, load_config, preset_folder, preset_values
from smart_tuner.finetune_command import find_base, prepared
from smart_tuner.finetuning import (
    Asked,
    BaseError,
    NeedsBaseError,
    WrittenBase,
    finetune_config,
    finetuned_from,
    keep_base,
    new_tensors,
    sidecar,
    sizes_not_taken,
)
from smart_tuner.job_command import Typed, start_job
from smart_tuner.messages import Language, Message, render
from smart_tuner.options import Device, Voice
from smart_tuner.progress import Output, Verbosity
from smart_tuner.records import ExitCause, Outcome
from smart_tuner.run_folder import RunFolder, claim
from smart_tuner.voice_bundle import Stated, make_card
from tacotron2.base import read_base, write_base
from tacotron2.checkpoint import save_checkpoint
from tacotron2.cli import main as library
from tacotron2.hparams import HParams
from tacotron2.interchange import write_published
from tacotron2.models import Tacotron2
from tacotron2.voice_card import render_card


def base_model(seed: int = 0, **changes: Any) -> Tacotron2:
    torch.manual_seed(seed)
    return Tacotron2(load_config("debug").hparams.replace(**{"language": "de", "prenet_dim": 12} | changes))


def checkpoint(path: Path, model: Tacotron2) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {"hparams": model.hparams.to_dict(), "model": model.state_dict()}
    save_checkpoint(path, content, {"role": "best", "step": 1, "quality": 0.5})
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return checkpoint(tmp_path / "elsewhere" / "best-0000001.ckpt", base_model())


@pytest.fixture
def written(file: Path, tmp_path: Path) -> WrittenBase:
    write_base(tmp_path / "written.ckpt", read_base(file))
    found = WrittenBase.read(tmp_path / "written.ckpt")
    assert found is not None
    return found


def asked(file: Path, *overrides: str, preset: str = "finetune", **how: Any) -> Asked:
    return Asked(preset, None, overrides, str(file), **how)


def told(*messages: Message) -> str:
    return " ".join(render(message, Language.EN) for message in messages)


def test_the_preset_names_nothing_that_the_base_decides() -> None:
    assert preset_values("finetune").keys().isdisjoint({"model", "audio", "text", "base"})


def test_sizes_and_language_are_the_bases_and_what_was_set_counts_before_all(
    file: Path, written: WrittenBase
) -> None:
    hparams = finetune_config(asked(file, "p_decoder_dropout=0.3"), written).hparams
    assert (hparams.model.prenet_dim, hparams.model.n_frames_per_step) == (12, 3)
    assert (hparams.text.language, hparams.model.p_decoder_dropout) == ("de", 0.3)
    assert hparams.train == load_config("finetune").hparams.train
    other = finetune_config(asked(file, "language=en", "prenet_dim=16", preset="small"), written).hparams
    assert (other.text.language, other.model.prenet_dim, other.model.decoder_rnn_dim) == ("en", 16, 16)
    assert other.model.p_attention_dropout == load_config("small").hparams.model.p_attention_dropout


def test_the_run_records_its_base_and_the_digest_knows_its_content(file: Path, written: WrittenBase) -> None:
    config = finetune_config(asked(file), written)
    assert (config.base.base_weights, config.base.base_sha256) == (str(file), written.content)
    moved = replace(config, base=replace(config.base, base_weights="/other/place"))
    changed = replace(config, base=replace(config.base, base_sha256="0" * 64))
    scratch = replace(config, base=load_config("finetune").base)
    assert moved.digest() == config.digest()
    assert len({each.digest() for each in (config, changed, scratch)}) == 3


def test_sizes_of_a_preset_that_are_not_taken_are_named(written: WrittenBase) -> None:
    names = told(*sizes_not_taken("small", written))
    assert "model.prenet_dim=128, the base has 12" in names and "p_attention_dropout" not in names
    assert sizes_not_taken("finetune", written) == ()


def test_other_spectrograms_are_refused_with_their_keys_unless_asked_for(
    file: Path, written: WrittenBase
) -> None:
    changes = ("mel_fmax=7600", "hop_length=200", "trim_db=30")
    with pytest.raises(BaseError) as caught:
        finetune_config(asked(file, *changes), written)
    words = told(caught.value.message)
    assert "audio.hop_length=200, the base has 256" in words and "audio.mel_fmax=7600" in words
    assert "trim_db" not in words and "--other-audio" in words
    config = finetune_config(asked(file, *changes, other_audio=True), written)
    assert config.hparams.audio.hop_length == 200


def test_new_tensors_are_told_and_not_all_of_many() -> None:
    rows = [{"name": f"layer.{n}", "why": "another shape"} for n in range(11)]
    words = told(new_tensors(rows))
    assert "11 tensors of the model do not come" in words
    assert "layer.7 (another shape)" in words and "layer.8" not in words and "and 3 more" in words


def test_a_copy_is_whole_or_made_again(written: WrittenBase, tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    run.base_file.write_bytes(b"a torn copy")
    assert WrittenBase.read(run.base_file) is None
    keep_base(run, written)
    kept = WrittenBase.read(run.base_file)
    assert kept is not None and kept.content == written.content
    assert read_base(run.base_file).content_hash() == written.content
    before = run.base_file.stat().st_mtime_ns
    keep_base(run, written)
    assert run.base_file.stat().st_mtime_ns == before
    sidecar(run.base_file).unlink()
    assert WrittenBase.read(run.base_file) is None


def test_those_who_read_of_a_run_are_told_what_it_began_with(
    file: Path, written: WrittenBase, tmp_path: Path
) -> None:
    config = finetune_config(asked(file), written)
    run = claim(tmp_path / "runs", config, new=True).run
    card = make_card(run, Stated(), examined=True)
    assert card.base == f"best-0000001.ckpt, weights {written.content}"
    assert f"| fine-tuned from | {card.base} |" in render_card(card, "German", {}, {}, [])
    message = finetuned_from(run.config())
    assert message is not None and "Fine-tuned from best-0000001.ckpt" in told(message)
    assert finetuned_from(load_config("small")) is None


class Command:
    """The command up to the run: the library is called here, not in a child."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root, self.said = root, io.StringIO()
        self.capsys: pytest.CaptureFixture[str]
        monkeypatch.setattr(finetune_command, "run_library", self._library)

    def _library(self, arguments: Sequence[str], *rest: Any) -> int:
        self.capsys.readouterr()
        status = library(["--json", *arguments])
        for line in self.capsys.readouterr().out.splitlines():
            record = json.loads(line)
            if record["kind"] == "error":
                self.said.write(record["message"])
            else:
                rest[-1](record)
        return status

    def config(self, name: str, *overrides: str, new: bool = False, **how: Any) -> tuple[Config, WrittenBase]:
        typed = Typed(
            "finetune",
            None,
            None,
            overrides,
            self.root,
            Device.CPU,
            None,
            new,
            True,
            False,
            False,
            Language.EN,
        )
        label, place = find_base(self.root, name)
        staged = self.root / "staged.ckpt"
        output = Output(self.said, Verbosity.NORMAL, Language.EN)
        return prepared(Asked("finetune", None, overrides, label, **how), place, staged, typed, output)

    def run(self, name: str, *overrides: str, **how: Any) -> RunFolder:
        config, base = self.config(name, *overrides, **how)
        claimed = claim(self.root, config, how.get("new", False))
        keep_base(claimed.run, base)
        claimed.lock.release()
        return claimed.run


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    root = tmp_path / "runs"
    root.mkdir()
    made = Command(root, monkeypatch)
    made.capsys = capsys
    return made


def test_the_same_command_goes_on_with_its_run(command: Command, file: Path) -> None:
    run = command.run(str(file))
    assert command.run(str(file)).path == run.path
    assert command.run(str(file), "learning_rate=1e-4").path != run.path
    assert command.run(str(file), new=True).path != run.path


def test_a_run_with_its_own_copy_does_not_need_the_base_any_more(command: Command, file: Path) -> None:
    run = command.run(str(file))
    shutil.rmtree(file.parent)
    assert command.run(str(file)).path == run.path
    assert f"{file} is not there any more: the run {run.name} goes on" in command.said.getvalue()
    with pytest.raises(BaseError) as caught:
        command.run(str(file), "learning_rate=1e-4")
    assert f"--from {file}: no such base" in told(caught.value.message)
    Outcome(ExitCause.COMPLETED, "done", 1).write(run.outcome_file)
    with pytest.raises(BaseError, match="no such base"):
        command.run(str(file))


def test_a_base_that_has_changed_is_refused_and_the_copy_is_not(command: Command, file: Path) -> None:
    run = command.run(str(file))
    checkpoint(file, base_model(seed=1))
    with pytest.raises(BaseError) as caught:
        command.run(str(file))
    words = told(caught.value.message)
    assert f"{file} has changed since the run {run.name}" in words
    assert f"--from {run.base_file}" in words and "--new" in words
    assert command.run(str(run.base_file)).path == run.path
    assert command.run(str(file), new=True).path != run.path


def test_a_run_is_a_base_by_its_name_and_by_its_folder(command: Command) -> None:
    base_run = claim(command.root, load_config("debug"), new=True).run
    checkpoint(base_run.checkpoints_folder / "best-0000003.ckpt", base_model())
    by_name, by_folder = (command.config(name)[0] for name in (base_run.name[:20], str(base_run.path)))
    assert by_name.digest() == by_folder.digest() and by_name.base.base_weights == str(base_run.path)
    assert command.run(base_run.name).path == command.run(str(base_run.path)).path


def test_a_registered_voice_is_a_base(command: Command, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    registered = RunFolder(file.parents[1] / "registered")
    checkpoint(registered.checkpoints_folder / "best-0000003.ckpt", base_model())
    monkeypatch.setattr(
        "smart_tuner.registry.commands.registered_run",
        lambda runs, text: registered if text == "registry:best" else None,
    )
    assert command.config("registry:best")[0].base.base_weights == "registry:best"


def test_the_speaker_reaches_the_library_and_another_size_is_told(command: Command, file: Path) -> None:
    model = base_model(n_speakers=2)
    model.name_speakers(("ann", "bob"))
    content = {
        "hparams": model.hparams.to_dict(),
        "model": model.state_dict(),
        "speakers": list(model.speakers),
    }
    save_checkpoint(file, content, {"role": "best"})
    ann, bob = (command.config(str(file), speaker=name)[0] for name in ("ann", "bob"))
    assert ann.hparams.model.n_speakers == 1 and ann.base.base_sha256 != bob.base.base_sha256
    kept = command.config(str(file), "model.n_speakers=2", "prenet_dim=16")[1]
    assert kept.facts["speakers"] == ["ann", "bob"]
    assert "do not come from the base" in command.said.getvalue()
    assert "decoder.prenet.layers.0.weight (another shape" in command.said.getvalue()
    with pytest.raises(typer.Exit) as caught:
        command.config(str(file), speaker="eve")
    assert caught.value.exit_code == 30 and "no speaker 'eve'; it has ann, bob" in command.said.getvalue()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda path: path.write_bytes(b"nothing"), "damaged"),
        (lambda path: sidecar(path).unlink(), "needs best-0000001.ckpt.json beside it"),
    ],
)
def test_a_file_that_is_no_base_ends_with_its_reason(
    command: Command, file: Path, spoil: Callable[[Path], object], words: str
) -> None:
    spoil(file)
    with pytest.raises(typer.Exit) as caught:
        command.config(str(file))
    assert caught.value.exit_code == 30 and words in command.said.getvalue()


def test_settings_of_a_fine_tuning_train_nothing_from_random_weights(command: Command, file: Path) -> None:
    run = command.run(str(file))
    voice: Voice | None = None
    typed = Typed(
        str(run.settings_file),
        None,
        voice,
        [],
        command.root,
        Device.CPU,
        None,
        True,
        True,
        False,
        False,
        Language.EN,
    )
    with pytest.raises(NeedsBaseError, match="smart-tuner finetune --from BASE"):
        start_job(typed)


@pytest.mark.parametrize("verb", ["train", "auto", "optimize"])
@pytest.mark.parametrize("language", ["en", "ru"])
def test_the_preset_trains_nothing_without_a_base(verb: str, language: str, tmp_path: Path) -> None:
    file = str(preset_folder() / "finetune.yaml")
    for preset in ("finetune", file) if verb == "train" else ("finetune",):
        options = [verb, f"--preset={preset}", f"--runs-folder={tmp_path}", f"--messages={language}"]
        answer = CliRunner().invoke(app, options)
        assert answer.exit_code == ExitCause.CONFIGURATION_ERROR.code
        assert "smart-tuner finetune --from" in answer.output.replace("\n", " ")
        assert ("дообучают" in answer.output) == (language == "ru")
        assert not any(tmp_path.iterdir())


def test_a_wrong_override_is_told_as_everywhere(file: Path, written: WrittenBase) -> None:
    with pytest.raises(ConfigError, match=r"train\.freeze='voice': must name some"):
        finetune_config(asked(file, "train.freeze=voice"), written)
    assert isinstance(written.sections["model"], dict) and HParams().model.prenet_dim == 256


def test_a_published_model_brings_its_sizes_r_1_and_our_table_of_symbols(
    command: Command, tmp_path: Path
) -> None:
    model = base_model(n_symbols=148, n_frames_per_step=1, language="en")
    write_published(tmp_path / "published.pt", model)
    config, base = command.config(str(tmp_path / "published.pt"), "language=ru")
    settings = config.hparams.model
    assert (base.facts["kind"], config.hparams.text.language) == ("published", "ru")
    assert (settings.prenet_dim, settings.n_frames_per_step, settings.n_symbols) == (12, 1, 60)
    assert not (settings.use_gst or settings.use_mmi or settings.use_ddc)
