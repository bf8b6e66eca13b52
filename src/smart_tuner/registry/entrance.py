"""Which voice of a run may enter the registry, under which name, and what is told of it."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from smart_tuner.config import Config
from smart_tuner.messages import CommandPhrase, RegistryPhrase
from smart_tuner.quality_gate import check, judged_figures
from smart_tuner.records import read_events
from smart_tuner.registry.errors import RegistryError
from smart_tuner.registry.facts import Facts
from smart_tuner.registry.settings import RegistrySettings
from smart_tuner.run_folder import RunFolder
from smart_tuner.voice_bundle import NUM_SAMPLES
from tacotron2.events import StartedEvent


@dataclass(frozen=True)
class Candidate:
    """A voice that may enter the registry."""

    voice: str
    """The name it would have."""
    named: bool
    """Whether somebody chose that name."""
    facts: Facts
    files: Mapping[str, Path]
    """Place in the version's folder to file."""

    @property
    def folder_name(self) -> str:
        return f"{self.facts.run}-{self.facts.weights_sha256[:8]}"


def candidate(run: RunFolder, settings: RegistrySettings) -> Candidate:
    """The best voice of a run, where it was examined and all its figures are numbers.

    Raises:
        RegistryError: it may not enter; says why.
        RunError: the run has no voice yet, or one of its records cannot be read.
        ConfigError: its configuration cannot be read.
    """
    config = run.config()
    checkpoint = run.best_checkpoint()
    sidecar = _json(checkpoint.with_name(checkpoint.name + ".json"))
    examination = _json(run.examination_file)
    place = checkpoint.relative_to(run.path).as_posix()
    if examination.get("checkpoint") != place:
        raise RegistryError(RegistryPhrase.NOT_EXAMINED(run=run.name, checkpoint=place))
    judged = judged_figures(run)
    _check_finite(run, sidecar, examination)
    voice, corpus = _voice_and_corpus(config)
    facts = Facts(
        run=run.name,
        mlflow_run=_mlflow_run(run),
        registered=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        corpus=corpus,
        commit=_commit(run),
        step=int(sidecar["step"]),
        r=int(sidecar.get("n_frames_per_step", config.hparams.model.n_frames_per_step)),
        quality=float(sidecar["quality"]),
        failed=tuple(each.name for each in check(judged.figures, config.gate) if not each.passed),
        weights_sha256=str(sidecar["sha256"]),
        keep=settings.keep_voices,
        figures={
            each.name: each.value
            for each in check(judged.figures, config.gate)
            if each.value is not None and math.isfinite(each.value)
        },
    )
    chosen = _clean(settings.voice_name) if settings.voice_name else ""
    return Candidate(chosen or voice, bool(chosen), facts, _files(run, checkpoint, examination))


def _files(run: RunFolder, checkpoint: Path, examination: Mapping[str, Any]) -> dict[str, Path]:
    sidecar = checkpoint.with_name(checkpoint.name + ".json")
    records = [run.settings_file, run.events_file, run.examination_file, run.summary_file]
    spoken = [run.path / str(each["wav"]) for each in examination.get("sentences", []) if each.get("wav")]
    wavs = [path for path in spoken if path.is_file()][:NUM_SAMPLES]
    wanted = [*records, checkpoint, sidecar, run.samples_folder / "attention.png", *wavs]
    return {path.relative_to(run.path).as_posix(): path for path in wanted if path.is_file()}


def _check_finite(run: RunFolder, sidecar: Mapping[str, Any], examination: Mapping[str, Any]) -> None:
    """Raises RegistryError where weights, quality or a figure of the examination are no numbers."""
    bad = [] if sidecar.get("finite") is True else ["weights"]
    figures = {name: each["value"] for name, each in examination["figures"].items()}
    figures["quality"] = sidecar.get("quality")
    bad += [name for name, value in figures.items() if not _is_finite(value)]
    if bad:
        raise RegistryError(RegistryPhrase.NOT_FINITE(run=run.name, names=", ".join(bad)))


def _is_finite(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _voice_and_corpus(config: Config) -> tuple[str, str]:
    """What the voice is called where nobody chose a name, and what its figures were measured on."""
    language, folder = config.hparams.text.language, config.data_folder
    if folder is not None:
        return f"{_clean(folder.name)}-{language}", str(folder)
    data = config.hparams.data
    made = dataclasses.asdict(config.hparams.demo) | {
        "language": language,
        "validation_clips": data.validation_clips,
        "test_clips": data.test_clips,
    }
    key = short_hash(json.dumps(made, sort_keys=True))
    return f"demo-{language}-{key}", f"demo {key}"


def short_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def _clean(name: str) -> str:
    """A name without what MLflow or a folder forbids."""
    return re.sub(r"[^\w-]+", "-", name).strip("-") or "voice"


def _mlflow_run(run: RunFolder) -> str:
    try:
        return str(_json(run.path / "tracking.json")["mlflow"]["target"])
    except (KeyError, TypeError):
        return ""


def _commit(run: RunFolder) -> str:
    """That of the last attempt."""
    events = (stamped.event for stamped in read_events(run.events_file)[0])
    commits = [event.commit for event in events if isinstance(event, StartedEvent) and event.commit]
    return commits[-1] if commits else ""


def _json(path: Path) -> dict[str, Any]:
    """A record of the run; empty where there is none.

    Raises:
        RegistryError: it is damaged.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise RegistryError(CommandPhrase.NOT_READABLE(path=path, detail=str(error))) from None
    return content if isinstance(content, dict) else {}
