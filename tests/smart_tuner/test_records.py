"""Events and outcomes as files: what survives a killed writer."""

from __future__ import annotations

import errno
import json
import os
import resource
import threading
from pathlib import Path

import pytest

from smart_tuner.records import (
    EXIT_CODES,
    EventWriter,
    ExitCause,
    Outcome,
    OutcomeError,
    cause_of_status,
    read_events,
)
from tacotron2.events import Event, StageEvent
from tacotron2.files import StorageError


def read(path: Path, offset: int = 0) -> tuple[list[Event], int]:
    stream, offset = read_events(path, offset)
    return [stamped.event for stamped in stream], offset


def test_a_line_is_read_once_and_only_when_it_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    assert read(path) == ([], 0)
    with EventWriter(path) as writer:
        writer.write(StageEvent("data", 1, 2))
    whole = path.read_bytes()
    first, offset = read(path)
    assert first == [StageEvent("data", 1, 2)]
    for cut in range(len(whole)):
        path.write_bytes(whole + whole[:cut])
        assert read(path, offset) == ([], offset)
    path.write_bytes(whole + whole)
    assert read(path, offset) == (first, 2 * offset)


def test_a_writer_cuts_off_what_a_killed_one_left(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    with EventWriter(path) as writer:
        writer.write(StageEvent("data", 1, 2))
    _, offset = read(path)
    with path.open("ab") as file:
        file.write('{"kind": "stage", "name": "ü'.encode()[:-1])
    with EventWriter(path) as writer:
        writer.write(StageEvent("data", 2, 2))
    assert read(path, offset)[0] == [StageEvent("data", 2, 2)]


def test_a_damaged_line_is_skipped_and_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "events.jsonl"
    with EventWriter(path) as writer:
        writer.write(StageEvent("data", 1, 2))
    path.write_bytes(b"\0\0\0\n" + path.read_bytes())
    assert read(path)[0] == [StageEvent("data", 1, 2)]
    assert "line skipped" in caplog.text


def test_a_record_that_does_not_fit_on_the_disk_leaves_no_half(tmp_path: Path) -> None:
    """A limit on the size of files is the full disk here: the kernel takes a part of the line and no more."""
    path = tmp_path / "events.jsonl"
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    with EventWriter(path) as writer:
        writer.write(StageEvent("data", 1, 2))
        resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 20, limits[1]))
        try:
            with pytest.raises(StorageError, match=r"events\.jsonl: cannot be written .File too large"):
                writer.write(StageEvent("data", 2, 2))
            with pytest.raises(StorageError, match=r"outcome\.json: cannot be written"):
                Outcome(ExitCause.STORAGE_ERROR, "x" * 1000).write(tmp_path / "outcome.json")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        writer.write(StageEvent("features", 0, 2))
    assert read(path)[0] == [StageEvent("data", 1, 2), StageEvent("features", 0, 2)]
    assert [file.name for file in tmp_path.iterdir()] == ["events.jsonl"]


def test_a_file_that_cannot_be_opened_is_told_by_name(tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").mkdir()
    with pytest.raises(StorageError, match=r"events\.jsonl: cannot be written"):
        EventWriter(tmp_path / "events.jsonl")


def test_a_disk_that_becomes_read_only_is_told_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    with EventWriter(tmp_path / "events.jsonl") as writer:
        monkeypatch.setattr(os, "truncate", refuse)
        with (tmp_path / "events.jsonl").open("rb") as unwritable:
            monkeypatch.setattr(writer, "_file", unwritable)
            with pytest.raises(StorageError, match=r"events\.jsonl: cannot be written"):
                writer.write(StageEvent("data", 1, 2))


def test_threads_do_not_mix_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    with EventWriter(path) as writer:
        threads = [
            threading.Thread(
                target=lambda n=n: [writer.write(StageEvent("x" * 5000, n, i)) for i in range(50)]
            )
            for n in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(read(path)[0]) == 200


def test_an_outcome_comes_back_and_names_its_exit_code(tmp_path: Path) -> None:
    path = tmp_path / "outcome.json"
    assert Outcome.read(path) is None
    for cause in ExitCause:
        outcome = Outcome(cause, "weil der Datenträger voll ist", 7)
        outcome.write(path)
        assert Outcome.read(path) == outcome
        assert json.loads(path.read_text())["exit_code"] == cause.code
    path.write_text('{"cause": "boredom", "message": "", "step": 1}')
    with pytest.raises(OutcomeError, match=r"outcome\.json"):
        Outcome.read(path)


def test_the_table_of_exit_causes() -> None:
    assert {cause.value: cause.code for cause in ExitCause} == {
        "completed": 0,
        "stopped": 10,
        "no_voice": 11,
        "non_finite": 20,
        "out_of_memory": 21,
        "attention_failed": 22,
        "unstable": 23,
        "data_error": 30,
        "configuration_error": 31,
        "storage_error": 32,
        "interrupted": 130,
        "terminated": 143,
        "crashed": 1,
        "hung": 1,
    }
    for cause in set(EXIT_CODES) - {ExitCause.COMPLETED, ExitCause.HUNG}:
        assert cause_of_status(cause.code) is cause
    for status in (0, 2, 77, -9, -11):
        assert cause_of_status(status) is ExitCause.CRASHED
