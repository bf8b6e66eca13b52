"""Trainings that kill themselves at every operation on a checkpoint's files, and go on.

`killed_trainings.py SETTINGS CORPUS FOLDER`: a process of its own, which loads torch once and forks a child
for every attempt. Prints one JSON object a line: the place of the kill and what came of it.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from tacotron2.checkpoint import CheckpointError
from tacotron2.data.dataset import TextMelLoader
from tacotron2.data.features import FeatureCache
from tacotron2.data.utterances import read_list
from tacotron2.events import CheckpointEvent, Event, StartedEvent, ValidationEvent
from tacotron2.hparams import from_dict
from tacotron2.training import loop
from tacotron2.training.state import CheckpointFolder
from tests.bit_for_bit import equal, timeless

MOST_PLACES = 200


class Boundaries:
    """Counts the operations on checkpoint files and kills the process before the one asked for."""

    def __init__(self, kill_at: int, told: Path) -> None:
        self._left, self._told = kill_at, told
        for name in ("open", "chmod", "replace", "unlink"):
            setattr(os, name, self._watched(name, getattr(os, name), str))
        os.fsync = self._watched("fsync", os.fsync, _name_of)  # type: ignore[assignment]
        self._fdopen = os.fdopen
        os.fdopen = self._open_file  # type: ignore[assignment]

    def pass_by(self, operation: str, path: str) -> None:
        if "/checkpoints" not in path:
            return
        self._left -= 1
        if self._left == 0:
            self._told.write_text(f"before {operation} of {Path(path).name}")
            os.kill(os.getpid(), signal.SIGKILL)

    def _watched(self, name: str, real: Callable[..., Any], name_of: Callable[[Any], str]) -> Any:
        def watched(target: Any, *arguments: Any, **options: Any) -> Any:
            self.pass_by(name, name_of(target))
            return real(target, *arguments, **options)

        return watched

    def _open_file(self, descriptor: int, *arguments: Any) -> Any:
        return _TornFile(self._fdopen(descriptor, *arguments), self, _name_of(descriptor))


class _TornFile:
    """Writes in two halves, with a boundary before each."""

    def __init__(self, file: Any, boundaries: Boundaries, name: str) -> None:
        self._file, self._boundaries, self._name = file, boundaries, name

    def __enter__(self) -> _TornFile:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def write(self, content: bytes) -> None:
        middle = len(content) // 2
        for words, half in (("the first half", content[:middle]), ("the second half", content[middle:])):
            self._boundaries.pass_by(words, self._name)
            self._file.write(half)
            self._file.flush()


def _name_of(descriptor: int) -> str:
    return os.readlink(f"/proc/self/fd/{descriptor}")


def rising_validation(*_: Any) -> Any:
    """Better at every step, so that the weights kept before are replaced each time."""
    result = SimpleNamespace(quality=None)

    def published(folder: Path, step: int) -> ValidationEvent:
        result.quality = step / 100
        return ValidationEvent(step, {}, {}, 0.0, result.quality)

    result.published = published
    return result


def in_a_child(work: Callable[[], None]) -> int:
    """The status of a forked child: 0, or minus the signal that ended it."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            work()
            status = 0
        finally:
            sys.stderr.flush()
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


class Trainings:
    """One corpus and the same settings for all of them."""

    def __init__(self, settings: str, corpus: Path) -> None:
        self.hparams = from_dict(json.loads(settings))
        cache = FeatureCache(corpus / "features", self.hparams.audio)
        names = ("train", "validation")
        lists = [read_list(corpus / f"{name}.txt", corpus) for name in names]
        self.sets = [TextMelLoader(each, self.hparams, cache) for each in lists]

    def attempt(self, folder: Path, kill_at: int | None = None) -> int:
        def work() -> None:
            folder.mkdir(exist_ok=True)
            if kill_at is not None:
                Boundaries(kill_at, folder / "place")
            loop.train(self.hparams, *self.sets, folder, device="cpu", emit=lambda event: note(folder, event))

        return in_a_child(work)


def note(folder: Path, event: Event) -> None:
    """The states that were complete, and the steps gone on from."""
    if isinstance(event, CheckpointEvent) and event.role == "state":
        (folder / "saved").write_text(str(event.step))
    elif isinstance(event, StartedEvent) and event.resumed_from_step is not None:
        (folder / "resumed").write_text(str(event.resumed_from_step))


def number_in(path: Path) -> int:
    return int(path.read_text()) if path.exists() else 0


def content(folder: Path) -> dict[str, Any]:
    """Every file of the checkpoints by name; of checkpoints what they hold, without the time it took."""
    found: dict[str, Any] = {}
    for path in (folder / "checkpoints").iterdir():
        if path.suffix == ".ckpt":
            found[path.name] = timeless(path)
        else:
            found[path.name] = None
    return found


def killed_and_gone_on(
    trainings: Trainings, folder: Path, kill_at: int, whole: dict[str, Any]
) -> dict[str, Any]:
    status = trainings.attempt(folder, kill_at)
    if status == 0:
        return {"status": status}
    saved = number_in(folder / "saved")
    try:
        found = CheckpointFolder(folder / "checkpoints", 1).newest_state()
        loadable: object = found[1]["step"] if found else 0
    except CheckpointError as error:
        loadable = str(error)
    again = trainings.attempt(folder)
    return {
        "place": (folder / "place").read_text(),
        "status": status,
        "saved": saved,
        "loadable": loadable,
        "again": again,
        "resumed": number_in(folder / "resumed"),
        "same": again == 0 and equal(content(folder), whole),
    }


def main() -> None:
    settings, corpus, folder = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    loop.validate = rising_validation  # type: ignore[assignment]
    trainings = Trainings(settings, corpus)
    assert trainings.attempt(folder / "whole") == 0
    whole = content(folder / "whole")
    for kill_at in range(1, MOST_PLACES):
        result = killed_and_gone_on(trainings, folder / str(kill_at), kill_at, whole)
        print(json.dumps(result), flush=True)
        if result["status"] == 0:
            return


if __name__ == "__main__":
    main()
