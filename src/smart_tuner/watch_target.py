"""What `smart-tuner monitor` looks at: the run or study that is named, or the newest."""

from __future__ import annotations

from pathlib import Path

from smart_tuner.live_state import FRESH_S
from smart_tuner.messages import MonitorPhrase
from smart_tuner.run_folder import RunError, RunFolder, find_run, list_runs
from smart_tuner.run_follower import heard_at
from smart_tuner.tuning.study_folder import StudyFolder, list_studies


def find_target(root: Path, name: str | None, now: float) -> RunFolder | StudyFolder:
    """A run or study by name or by the path of its folder; without a name the newest, working ones first.

    A run of that name goes before a study.

    Raises:
        RunError: there is none.
    """
    if name is None:
        return _newest(root, now)
    if (Path(name) / "study.yaml").is_file():
        return StudyFolder(Path(name))
    studies = {study.name: study for study in list_studies(root)}
    if name in studies and name not in {run.name for run in list_runs(root)}:
        return studies[name]
    return find_run(root, name)


def _newest(root: Path, now: float) -> RunFolder | StudyFolder:
    targets: list[RunFolder | StudyFolder] = [*list_studies(root), *list_runs(root)]
    if not targets:
        raise RunError(MonitorPhrase.NOTHING_TO_WATCH(folder=root))
    moved = {target.path: _moved_at(target) for target in targets}
    alive = [target for target in targets if now - _heard_at(target) < FRESH_S]
    return max(alive or targets, key=lambda target: moved[target.path])


def _runs_of(target: RunFolder | StudyFolder) -> list[RunFolder]:
    if isinstance(target, RunFolder):
        return [target]
    return [RunFolder(path.parent) for path in target.path.glob("trials/*/run.yaml")]


def _heard_at(target: RunFolder | StudyFolder) -> float:
    return max((heard_at(run) or 0.0 for run in _runs_of(target)), default=0.0)


def _moved_at(target: RunFolder | StudyFolder) -> float:
    """When something was last written there."""
    files = [target.settings_file]
    for run in _runs_of(target):
        files += [run.settings_file, run.events_file, run.outcome_file]
    return max(file.stat().st_mtime for file in files if file.is_file())
