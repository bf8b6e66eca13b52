"""The resolved configuration of a run: hyper-parameters, attention, services, supervisor, tuning, data.

A preset is a YAML file in `configs/` that holds only what differs from the defaults. Overrides such as
`train.learning_rate=1e-4` come last. All problems are reported at once.
"""

from __future__ import annotations

import dataclasses
import difflib
import hashlib
import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from smart_tuner.base_settings import BaseSettings
from smart_tuner.cure_settings import CureSettings
from smart_tuner.early_stop_settings import EarlyStopSettings, phase_order_problem
from smart_tuner.notice_settings import TOKEN_HINT, NoticeSettings, holds_token
from smart_tuner.registry.settings import RegistrySettings
from smart_tuner.second_vocoder import VocoderSettings, absolute_vocoder
from smart_tuner.tuning.settings import GateSettings, SpaceSettings, TuningSettings
from tacotron2.hparams import SECTIONS, HParams, HParamsError, param, parse_value, split_override
from tacotron2.schema import (
    Problem,
    SettingsFile,
    SettingsSchema,
    Values,
    hparams_problems,
    located,
    read_settings,
    shown,
)


class ConfigError(HParamsError):
    """The configuration cannot be used; one line for each problem."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


@dataclass(frozen=True)
class RunSettings:
    """What a run is called and which recordings it learns from."""

    name: str = param("", "ends the name of the run's folder; empty: the name of the settings file")
    data_folder: str = param("", "folder of the recordings; empty: the demo corpus is made and used")
    advised_length: bool = param(
        False, "the length was recommended from the recordings; a run keeps what it was begun with"
    )


@dataclass(frozen=True)
class ServiceSettings:
    """MLflow and TensorBoard beside a run, and the Optuna dashboard beside a study."""

    enabled: bool = param(True, "start the interfaces")
    host: str = param("127.0.0.1", "address they listen on")
    mlflow_port: int = param(5000, "port of MLflow, or the next free one", ge=1, le=65535)
    tensorboard_port: int = param(6006, "port of TensorBoard, or the next free one", ge=1, le=65535)
    optuna_port: int = param(8080, "port of a study's Optuna dashboard, or the next free one", ge=1, le=65535)
    open_browser: bool = param(True, "open MLflow in the browser once, where there is one")
    ready_timeout_s: float = param(90.0, "seconds an interface may take until it answers", gt=0.0, le=3600.0)


@dataclass(frozen=True)
class AttentionSettings:
    """By when attention must have formed, and what is done where it has not."""

    deadline_steps: int = param(1000, "step by which attention must have formed", ge=1)
    threshold: float = param(
        0.4, "free-running attention_alignment from which attention has formed", gt=0.0, lt=1.0
    )
    max_new_seeds: int = param(2, "times a training begins anew, with another seed, for that", ge=0, le=100)


@dataclass(frozen=True)
class SupervisorSettings:
    """The parent process that watches the training process and starts it again."""

    heartbeat_timeout_s: float = param(
        300.0, "seconds without a sign of life after which the training process is ended", ge=10.0
    )
    progress_timeout_s: float = param(
        900.0, "seconds in which the work does not move on after which it is ended", ge=5.0
    )
    max_restarts: int = param(5, "restarts without a newer checkpoint before the run is given up", ge=0)
    backoff_s: float = param(
        2.0, "seconds before a restart, doubled by each one without progress", ge=0.0, le=300.0
    )


LAYER_SECTIONS: dict[str, type] = {
    "base": BaseSettings,
    "attention": AttentionSettings,
    "early_stop": EarlyStopSettings,
    "cure": CureSettings,
    "services": ServiceSettings,
    "supervisor": SupervisorSettings,
    "notices": NoticeSettings,
    "tuning": TuningSettings,
    "gate": GateSettings,
    "space": SpaceSettings,
    "registry": RegistrySettings,
    "vocoder": VocoderSettings,
}
"""What a run has beside the library's hyper-parameters."""
ADVISED = ("max_steps", "learning_rate_decay_start")
"""The keys of `train` that a recommended length sets."""
_SCHEMA = SettingsSchema({"run": RunSettings, **SECTIONS, **LAYER_SECTIONS})


@dataclass(frozen=True)
class Config:
    """Everything a run depends on. Frozen; `load_config` and `from_yaml` make it."""

    preset: str
    """Name of the preset, or of the user's file."""
    hparams: HParams = field(default_factory=HParams)
    base: BaseSettings = field(default_factory=BaseSettings)
    attention: AttentionSettings = field(default_factory=AttentionSettings)
    early_stop: EarlyStopSettings = field(default_factory=EarlyStopSettings)
    cure: CureSettings = field(default_factory=CureSettings)
    services: ServiceSettings = field(default_factory=ServiceSettings)
    supervisor: SupervisorSettings = field(default_factory=SupervisorSettings)
    notices: NoticeSettings = field(default_factory=NoticeSettings)
    tuning: TuningSettings = field(default_factory=TuningSettings)
    gate: GateSettings = field(default_factory=GateSettings)
    space: SpaceSettings = field(default_factory=SpaceSettings)
    registry: RegistrySettings = field(default_factory=RegistrySettings)
    vocoder: VocoderSettings = field(default_factory=VocoderSettings)
    data_folder: Path | None = None
    """Absolute; None: the demo corpus."""
    advised_length: bool = False
    """Whether `train.max_steps`, and where the learning rate begins to fall, were recommended for the
    recordings. Then they do not count for the digest: recordings that were added later recommend others."""

    @classmethod
    def from_yaml(cls, path: Path) -> Config:
        """The configuration a run was started with (`run.yaml`).

        Raises:
            ConfigError: the file cannot be read or used.
        """
        return _resolve(Path(path), ())

    def to_yaml(self) -> str:
        """All values with their meanings, as the text of a `run.yaml` that `from_yaml` reads back."""
        folder = "" if self.data_folder is None else str(self.data_folder)
        run = RunSettings(self.preset, folder, self.advised_length)
        parts: dict[str, Any] = {"run": run} | {name: getattr(self, name) for name in LAYER_SECTIONS}
        lines = ["# The resolved configuration: every value the run uses."]
        for name in _SCHEMA.sections:
            section = parts[name] if name in parts else getattr(self.hparams, name)
            lines += ["", f"{name}:"]
            for leaf in dataclasses.fields(section):
                value = _yaml_scalar(getattr(section, leaf.name))
                lines.append(f"  {leaf.name}: {value}  # {leaf.metadata['doc']}")
        return "\n".join(lines) + "\n"

    def digest(self) -> str:
        """The same for two configurations that train the same model on the same recordings.

        Neither the preset's name nor services, supervisor, notices, registry and vocoder count: a run can be
        resumed with other ports. Nor does a study (tuning, gate, space): the hyper-parameters hold what it
        finds.
        """
        hparams = self.hparams.to_dict()
        if self.advised_length:
            hparams["train"] |= dict.fromkeys(ADVISED, "recommended")
        key: dict[str, Any] = {
            "hparams": hparams,
            "attention": dataclasses.asdict(self.attention),
            "early_stop": dataclasses.asdict(self.early_stop),
            "cure": dataclasses.asdict(self.cure),
            "data_folder": self.data_folder and str(self.data_folder),
        }
        if self.base.base_sha256:
            key["base"] = [self.base.base_sha256, self.base.base_statistics]
        return hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class Foundation:
    """Values that a preset stands on, in place of the defaults, and values that stand over the preset's."""

    under: Values = field(default_factory=dict)
    over: Values = field(default_factory=dict)


def load_config(
    preset: str | Path, overrides: Sequence[str] = (), foundation: Foundation | None = None
) -> Config:
    """A preset's name or the path of a YAML file, changed by `key=value` overrides.

    A relative `run.data_folder` counts from the file's folder, in an override from the current one.

    Raises:
        ConfigError: every problem at once: place, key, value and what would be right.
    """
    return _resolve(_settings_path(preset), overrides, foundation or Foundation())


def preset_values(preset: str | Path) -> Values:
    """What a preset itself has: section to key to value, without the defaults.

    Raises:
        ConfigError: the file cannot be read.
    """
    path = _settings_path(preset)
    load_config(path)
    return _SCHEMA.check(read_settings(path).values)[0]


def default_config(overrides: Sequence[str] = ()) -> Config:
    """The defaults, those of `create_hparams()`, changed by `key=value` overrides.

    Raises:
        ConfigError: as `load_config`.
    """
    return _checked(SettingsFile(Path("default"), {}, {}, ()), overrides)


def voice_settings(voice: str) -> tuple[str, ...]:
    """The overrides that a demo voice stands for.

    Both voices speak at the same `demo.demo_words_per_minute`, in much the same time for each letter.
    """
    return {
        "en": ("text.language=en", "text.stress=marks", "demo.demo_voice=en-us+f3"),
        "ru": ("text.language=ru", "text.stress=library", "demo.demo_voice=ru+f4"),
    }[voice]


def synthesiser_voice(preset: str, overrides: Sequence[str]) -> list[str]:
    """The overrides, and a voice of the language they choose where they name none: eSpeak NG calls most of
    its voices by the language.

    Raises:
        ConfigError: the preset or an override is wrong.
    """
    hparams = load_config(preset, overrides).hparams
    named = any(text.partition("=")[0].strip().removeprefix("demo.") == "demo_voice" for text in overrides)
    if named or hparams.demo.demo_voice.startswith(hparams.text.language):
        return list(overrides)
    return [*overrides, f"demo.demo_voice={hparams.text.language}"]


def preset_names() -> list[str]:
    """The presets that come with the project."""
    return sorted(path.stem for path in preset_folder().glob("*.yaml"))


def preset_folder() -> Path:
    """`configs/` of the source tree: the project is installed in place (`pip install -e .`)."""
    return Path(__file__).parents[2] / "configs"


def _settings_path(preset: str | Path) -> Path:
    names = preset_names()
    if isinstance(preset, str) and preset in names:
        return preset_folder() / f"{preset}.yaml"
    path = Path(preset)
    if isinstance(preset, Path) or path.suffix in (".yaml", ".yml") or len(path.parts) > 1 or path.is_file():
        return path
    close = difflib.get_close_matches(preset, names, n=1)
    hint = f"did you mean {close[0]!r}? " if close else ""
    known = ", ".join(names) or f"none in {preset_folder()}"
    raise ConfigError([f"{preset!r}: no such preset; {hint}There are {known}; or name a YAML file"])


def _resolve(path: Path, overrides: Sequence[str], foundation: Foundation = Foundation()) -> Config:
    try:
        file = read_settings(path)
    except HParamsError as error:
        raise ConfigError([TOKEN_HINT if holds_token(str(error)) else str(error)]) from None
    return _checked(file, overrides, foundation)


def _checked(file: SettingsFile, overrides: Sequence[str], foundation: Foundation = Foundation()) -> Config:
    if any(map(holds_token, [*overrides, repr((file.values, file.problems))])):
        raise ConfigError([f"{file.path}: {TOKEN_HINT}"])  # alone: no other complaint may show the value
    values, problems = _SCHEMA.check(file.values)
    changes, override_problems = _parse_overrides(overrides)
    _absolute_data_folder(values, file.path.parent)
    _absolute_data_folder(changes, Path())
    absolute_vocoder(values, file.path.parent)
    absolute_vocoder(changes, Path())
    layers = (foundation.under, values, foundation.over, changes)
    built = _SCHEMA.build(
        {
            name: {key: value for each in layers for key, value in each.get(name, {}).items()}
            for name in _SCHEMA.sections
        }
    )
    for problem in hparams_problems(built, [problem.key for problem in problems + override_problems]):
        (override_problems if _is_overridden(problem, changes) else problems).append(problem)
    if order := phase_order_problem(built["early_stop"]):
        ends = (("early_stop", "learning_phase_end"), ("early_stop", "alignment_phase_end"))
        broken = Problem(ends[0], order, ends[1:])
        (override_problems if _is_overridden(broken, changes) else problems).append(broken)
    lines = [*file.problems, *located(problems, file)]
    lines += [f"override: {problem.text}" for problem in override_problems]
    if lines:
        raise ConfigError(lines)
    return _config(built, file.path)


def _config(built: Mapping[str, Any], path: Path) -> Config:
    run: RunSettings = built["run"]
    return Config(
        preset=_folder_name(run.name or path.stem),
        hparams=HParams(**{name: built[name] for name in SECTIONS}),
        **{name: built[name] for name in LAYER_SECTIONS},
        data_folder=Path(run.data_folder) if run.data_folder else None,
        advised_length=run.advised_length,
    )


def _parse_overrides(overrides: Sequence[str]) -> tuple[Values, list[Problem]]:
    """Checked values of the overrides, the last one of a key counting, and what is wrong with the others."""
    values: Values = {}
    problems: list[Problem] = []
    for text in overrides:
        try:
            section, name, typed = split_override(text, _SCHEMA.leaf_section)
        except HParamsError as error:
            problems.append(Problem((), str(error)))
            continue
        try:
            values.setdefault(section, {})[name] = parse_value(_SCHEMA.leaf_field[name], typed)
        except ValueError as error:
            problems.append(Problem((section, name), f"{section}.{name}={shown(typed)}: {error}"))
    return values, problems


def _is_overridden(problem: Problem, changes: Values) -> bool:
    keys = (problem.key, *problem.partners)
    return any(name in changes.get(section, {}) for section, name in keys)


def _absolute_data_folder(values: Values, base: Path) -> None:
    folder = values.get("run", {}).get("data_folder")
    if folder:
        values["run"]["data_folder"] = os.path.abspath(base / os.path.expanduser(folder))


def _folder_name(name: str) -> str:
    """A name without what a folder name should not hold."""
    return re.sub(r"[^\w-]+", "-", name).strip("-") or "run"


def _yaml_scalar(value: Any) -> str:
    """A value as every YAML program reads it: texts in quotes, `5.0e-06` and not `5e-06`."""
    if isinstance(value, float):
        text = repr(value)
        return text if "." in text or "e" not in text else text.replace("e", ".0e")
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    dumped: str = yaml.safe_dump(value, default_style='"', allow_unicode=True, width=float("inf"))
    return dumped.strip()
