"""From a base to the configuration of a fine-tuning, and the copy of the base in the run's folder.

Nothing here reads weights: a base was brought into its written form by the library, whose sidecar has what
follows from it.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from smart_tuner.config import Config, Foundation, load_config, preset_folder, preset_values
from smart_tuner.messages import CommandPhrase, FinetunePhrase, Message, MessageError
from smart_tuner.records import write_atomically
from smart_tuner.run_folder import RunError, RunFolder, find_resumable, list_runs
from tacotron2.hparams import ModelParams

FREE_MODEL_KEYS = (
    "p_prenet_dropout",
    "prenet_dropout_at_synthesis",
    "p_attention_dropout",
    "p_decoder_dropout",
    "p_convolution_dropout",
    "drop_frame_rate",
    "gate_threshold",
    "max_decoder_seconds",
)
"""Of the model's settings those that no weight has its shape from: a preset may change them."""
FREE_AUDIO_KEYS = ("trim_db", "trim_margin_ms")
"""They say what of a recording is used, not what a spectrogram is."""
SHOWN_HASH = 12
PRESET = "finetune"
"""Has no sizes: those of the base are meant."""
KINDS: dict[str, FinetunePhrase] = {
    "voice": FinetunePhrase.KIND_VOICE,
    "checkpoint": FinetunePhrase.KIND_CHECKPOINT,
    "published": FinetunePhrase.KIND_PUBLISHED,
}


class BaseError(RunError):
    """A base cannot be used; the message says which and why."""


class NeedsBaseError(MessageError):
    """Settings of a fine-tuning for a training that begins with random weights."""


@dataclass(frozen=True)
class WrittenBase:
    """A base in its written form.

    file: the checkpoint; facts: its sidecar, see `tacotron2.base.write_base`.
    """

    file: Path
    facts: Mapping[str, Any]

    @classmethod
    def read(cls, file: Path) -> WrittenBase | None:
        """None where there is none, or not all of it."""
        try:
            facts = json.loads(sidecar(file).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        whole = file.is_file() and isinstance(facts, dict) and {"content", "sections", "kind"} <= facts.keys()
        return cls(file, facts) if whole else None

    @property
    def content(self) -> str:
        """The hash of its weights."""
        return str(self.facts["content"])

    @property
    def sections(self) -> dict[str, dict[str, Any]]:
        """audio, text and model."""
        found: dict[str, dict[str, Any]] = self.facts["sections"]
        return found


@dataclass(frozen=True)
class Asked:
    """What was typed: preset, folder of recordings, overrides, the name of the base and of its speaker."""

    preset: str
    data: str | None
    overrides: Sequence[str]
    base: str
    speaker: str = ""
    other_audio: bool = False


def finetune_config(asked: Asked, base: WrittenBase) -> Config:
    """The preset over what follows from the base, the overrides over both.

    Raises:
        ConfigError: the preset or an override is wrong.
        BaseError: other spectrograms are asked for.
    """
    sections = base.sections
    model, free = sections["model"], FREE_MODEL_KEYS
    foundation = Foundation(
        under={**sections, "model": {name: model[name] for name in free if name in model}},
        over={
            "model": {name: value for name, value in model.items() if name not in free},
            "base": {
                "base_weights": asked.base,
                "base_sha256": base.content,
                "base_speaker": asked.speaker,
            },
        },
    )
    config = load_config(asked.preset, asked.overrides, foundation)
    if asked.data is not None:
        config = replace(config, data_folder=Path(asked.data).expanduser().absolute())
    there, here = sections["audio"], config.hparams.to_dict()["audio"]
    other = [name for name in there if name not in FREE_AUDIO_KEYS and here[name] != there[name]]
    if other and not asked.other_audio:
        keys = tuple(_differs(f"audio.{name}", here[name], there[name]) for name in other)
        raise BaseError(FinetunePhrase.OTHER_AUDIO(base=asked.base, keys=keys))
    return config


def refuse_without_base(preset: str, config: Config) -> None:
    """NeedsBaseError where a training with these settings would have to begin with a base.

    Args:
        preset: as it was typed.
    """
    if config.base.base_sha256:
        raise NeedsBaseError(FinetunePhrase.NEEDS_FINETUNE(base=config.base.base_weights))
    bundled = preset_folder() / f"{PRESET}.yaml"
    if preset == PRESET or Path(preset).resolve() == bundled.resolve():
        raise NeedsBaseError(FinetunePhrase.PRESET_NEEDS_BASE(preset=PRESET))


def sizes_not_taken(preset: str, base: WrittenBase) -> tuple[Message, ...]:
    """The sizes that the preset has otherwise than the base, whose sizes count."""
    model = base.sections["model"]
    wanted = preset_values(preset).get("model", {})
    return tuple(
        _differs(f"model.{name}", value, model[name])
        for name, value in wanted.items()
        if name in model and name not in FREE_MODEL_KEYS and value != model[name]
    )


def changes_sizes(config: Config, base: WrittenBase) -> bool:
    """Whether some weight of the training may have another shape than in the base."""
    here, there = config.hparams.to_dict(), base.sections
    names = [name for name in ModelParams.__dataclass_fields__ if name not in FREE_MODEL_KEYS]
    mels = here["audio"]["n_mel_channels"] != there["audio"]["n_mel_channels"]
    schedule = bool(config.hparams.train.reduction_schedule)
    return mels or schedule or any(here["model"][name] != there["model"].get(name) for name in names)


def begun_run(root: Path, asked: Asked) -> tuple[RunFolder, WrittenBase] | None:
    """The unfinished run that the same command began, with its copy of the base; None: there is none."""
    for run in reversed(list_runs(root)):
        copy = WrittenBase.read(run.base_file)
        if copy is None:
            continue
        try:
            began = run.config()
            if began.base.base_weights != asked.base:
                continue
            config = finetune_config(asked, copy)
        except (ValueError, KeyError):
            continue  # it cannot be read, or these settings do not go with its base
        found = find_resumable(root, config.digest())
        if found is not None and found.path == run.path:
            return run, copy
    return None


def keep_base(run: RunFolder, base: WrittenBase) -> None:
    """Copies the base into the run's folder, the sidecar last; a copy that is whole stays.

    Raises:
        StorageError: it cannot be written.
    """
    kept = WrittenBase.read(run.base_file)
    if kept is not None and kept.content == base.content:
        return
    if base.file != run.base_file:
        sidecar(run.base_file).unlink(missing_ok=True)
        temporary = run.base_file.with_name(f".{run.base_file.name}")
        shutil.copyfile(base.file, temporary)
        temporary.replace(run.base_file)
        write_atomically(sidecar(run.base_file), sidecar(base.file).read_text(encoding="utf-8"))


def sidecar(file: Path) -> Path:
    """The description beside a checkpoint."""
    return file.with_name(file.name + ".json")


def told_base(config: Config, base: WrittenBase) -> Message:
    """What a run begins with, as a line of its announcement."""
    return FinetunePhrase.BASE_OF_RUN(
        base=config.base.base_weights,
        kind=KINDS[str(base.facts["kind"])](),
        r=int(base.sections["model"]["n_frames_per_step"]),
        sha=base.content[:SHOWN_HASH],
    )


def finetuned_from(config: Config) -> Message | None:
    """What a run was fine-tuned from, for whoever reads of it; None: from random weights."""
    if not config.base.base_sha256:
        return None
    return FinetunePhrase.FINETUNED_FROM(
        base=Path(config.base.base_weights).name, sha=config.base.base_sha256[:SHOWN_HASH]
    )


def new_tensors(tensors: Sequence[Mapping[str, str]], shown: int = 8) -> Message:
    """What the library told of a training's tensors that the base does not bring."""
    names: list[Message] = [
        FinetunePhrase.NEW_TENSOR(name=each["name"], why=each["why"]) for each in tensors[:shown]
    ]
    if len(tensors) > shown:
        names.append(FinetunePhrase.TENSORS_MORE(count=len(tensors) - shown))
    return CommandPhrase.WARNING(message=FinetunePhrase.NEW_TENSORS(count=len(tensors), names=tuple(names)))


def _differs(key: str, here: object, there: object) -> Message:
    return FinetunePhrase.KEY_DIFFERS(key=key, here=str(here), there=str(there))
