"""MLflow and TensorBoard follow the event stream, survive a bad store and never write anything twice."""

import dataclasses
import json
import shutil
import sqlite3
import struct
import time
import wave
import zlib
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from smart_tuner import mlflow_store
from smart_tuner.tracking import Tracker
from smart_tuner.tracking_store import database_path, database_uri, event_scalars
from smart_tuner.trial_record import TrialRecord, TrialRecordError
from tacotron2.events import (
    Event,
    ExaminedEvent,
    FinishedEvent,
    IncidentEvent,
    RestartEvent,
    StartedEvent,
    StepEvent,
    ValidationEvent,
    to_json,
)

CLOSE_TIMEOUT_S = 60.0
STEP_LOSS = "train/loss/total"


def started(resumed_from_step: int | None = None) -> StartedEvent:
    return StartedEvent(
        device="cpu",
        precision="32-true",
        threads=2,
        seed=1,
        parameters=1000,
        max_steps=20,
        train_clips=8,
        validation_clips=2,
        commit="abc",
        versions={"torch": "2.13.0"},
        resumed_from_step=resumed_from_step,
    )


def step(number: int) -> StepEvent:
    return StepEvent(number, 1, {"total": 10.0 / number, "gate": 0.5}, 1.0, 1e-3, 5.0, 0.7, 900.0, 0.1, 0.6)


def validation(number: int) -> ValidationEvent:
    return ValidationEvent(
        step=number,
        teacher_forced={"val_loss": 0.8},
        free_running={"attention_alignment": 0.5},
        seconds=3.0,
        quality=0.4,
        attention_image="attention/step-10.png",
        spectrogram_image=None,
        audio=["audio/step-10-0.wav"],
    )


def append(run: Path, *events: Event) -> None:
    with (run / "events.jsonl").open("a", encoding="utf-8") as file:
        for event in events:
            file.write(to_json(event, time.time()) + "\n")


def write_png(path: Path, width: int, height: int) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress((b"\0" + b"\x40\x80\xc0" * width) * height)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    )


def write_wav(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(22050)
        sound.writeframes(b"\0\0" * 2205)


def make_run(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "run.yaml").write_text("train:\n  learning_rate: 0.001\n  betas: [0.9, 0.99]\nseed: 1\n")
    write_png(folder / "attention/step-10.png", 6, 4)
    write_wav(folder / "audio/step-10-0.wav")
    return folder


def follow(run: Path, tracking_root: Path) -> bool:
    tracker = Tracker(run, tracking_root)
    tracker.start()
    return tracker.close(CLOSE_TIMEOUT_S)


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + CLOSE_TIMEOUT_S
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def state(run: Path) -> dict[str, dict[str, str | int]]:
    path = run / "tracking.json"
    return json.loads(path.read_text()) if path.exists() else {}


def client(tracking_root: Path):
    from mlflow import MlflowClient

    return MlflowClient(database_uri(tracking_root))


def mlflow_run(run: Path, tracking_root: Path):
    return client(tracking_root).get_run(state(run)["mlflow"]["target"])


def mlflow_metrics(run: Path, tracking_root: Path) -> dict[str, list[tuple[int, float, int]]]:
    found = mlflow_run(run, tracking_root)
    return {
        key: [
            (metric.step, metric.value, metric.timestamp)
            for metric in client(tracking_root).get_metric_history(found.info.run_id, key)
        ]
        for key in found.data.metrics
    }


def shown_in_tensorboard(run: Path) -> EventAccumulator:
    shown = EventAccumulator(str(run), size_guidance={"scalars": 0, "images": 0, "audio": 0})
    shown.Reload()
    return shown


def tensorboard_scalars(run: Path) -> dict[str, list[tuple[int, float, float]]]:
    shown = shown_in_tensorboard(run)
    return {
        tag: [(event.step, event.value, event.wall_time) for event in shown.Scalars(tag)]
        for tag in shown.Tags()["scalars"]
    }


@pytest.fixture(scope="module")
def tracking_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("a folder ю") / "tracking"


def test_a_whole_run_is_shown_in_both_and_comes_out_the_same_when_rebuilt(
    tmp_path: Path, tracking_root: Path
) -> None:
    run = make_run(tmp_path / "run")
    examined = ExaminedEvent("checkpoints/best.ckpt", {"mcd": 5.0})
    append(run, started(), step(5), step(10), validation(10), FinishedEvent(10, "completed", 9.0), examined)
    (run / "summary.json").write_text("{}")

    assert follow(run, tracking_root)

    metrics = mlflow_metrics(run, tracking_root)
    assert [(at, value) for at, value, _ in metrics[STEP_LOSS]] == [(5, 2.0), (10, 1.0)]
    assert metrics["validation/free_running/attention_alignment"][0][:2] == (10, 0.5)
    assert metrics["voice/mcd"][0][:2] == (0, 5.0)
    found = mlflow_run(run, tracking_root)
    assert found.info.status == "FINISHED"
    assert found.data.params == {"train.learning_rate": "0.001", "train.betas": "[0.9, 0.99]", "seed": "1"}
    assert found.data.tags["device"] == "cpu"
    artifacts = {
        artifact.path
        for folder in (None, "attention", "audio")
        for artifact in client(tracking_root).list_artifacts(found.info.run_id, folder)
        if not artifact.is_dir
    }
    assert artifacts == {"run.yaml", "summary.json", "attention/step-10.png", "audio/step-10-0.wav"}

    scalars = tensorboard_scalars(run)
    assert {tag: [at for at, _, _ in points] for tag, points in scalars.items()} == {
        tag: [at for at, _, _ in points] for tag, points in metrics.items()
    }
    shown = shown_in_tensorboard(run)
    picture, sound = shown.Images("attention")[0], shown.Audio("audio/1")[0]
    assert (picture.step, picture.width, picture.height) == (10, 6, 4)
    assert picture.encoded_image_string == (run / "attention/step-10.png").read_bytes()
    assert (sound.sample_rate, sound.length_frames) == (22050.0, 2205)

    rebuilt = tmp_path / "rebuilt"
    shutil.copytree(run, rebuilt, ignore=shutil.ignore_patterns("events.out.*", "tracking.json"))
    assert follow(rebuilt, tracking_root)
    assert mlflow_run(rebuilt, tracking_root).info.run_id != found.info.run_id
    assert mlflow_metrics(rebuilt, tracking_root) == metrics
    assert tensorboard_scalars(rebuilt) == scalars


def test_a_resumed_run_goes_on_in_the_same_place_without_doubles(tmp_path: Path, tracking_root: Path) -> None:
    run = make_run(tmp_path / "run")
    append(run, started(), step(1), step(2), FinishedEvent(2, "interrupted", 1.0))
    torn = to_json(step(3), time.time())
    with (run / "events.jsonl").open("a") as file:
        file.write(torn[:20])  # its writer is not done
    assert follow(run, tracking_root)
    first = mlflow_run(run, tracking_root)
    assert first.info.status == "KILLED"
    assert [point[0] for point in mlflow_metrics(run, tracking_root)[STEP_LOSS]] == [1, 2]

    with (run / "events.jsonl").open("a") as file:
        file.write(torn[20:] + "\n")
    append(run, started(resumed_from_step=3), step(4))
    assert follow(run, tracking_root)

    assert mlflow_run(run, tracking_root).info.run_id == first.info.run_id
    assert mlflow_run(run, tracking_root).info.status == "RUNNING"
    assert [point[0] for point in mlflow_metrics(run, tracking_root)[STEP_LOSS]] == [1, 2, 3, 4]
    assert [point[0] for point in tensorboard_scalars(run)[STEP_LOSS]] == [1, 2, 3, 4]


def test_steps_made_again_after_a_crash_replace_the_lost_ones_in_tensorboard(
    tmp_path: Path, tracking_root: Path
) -> None:
    run = make_run(tmp_path / "run")
    append(run, started(), step(1), step(2), step(3))
    append(run, started(resumed_from_step=1), step(2), FinishedEvent(2, "non_finite", 1.0))

    assert follow(run, tracking_root)

    assert [point[0] for point in tensorboard_scalars(run)[STEP_LOSS]] == [1, 2]
    assert mlflow_run(run, tracking_root).info.status == "FAILED"


@pytest.mark.parametrize("lost", ["tensorboard", "mlflow"])
def test_what_was_lost_is_written_anew(tmp_path: Path, tracking_root: Path, lost: str) -> None:
    run = make_run(tmp_path / "run")
    append(run, started(), step(1))
    assert follow(run, tracking_root)
    before = state(run)[lost]["target"]
    if lost == "tensorboard":
        (run / before).unlink()
    else:
        changed = state(run) | {"mlflow": state(run)["mlflow"] | {"target": "0" * 32}}
        (run / "tracking.json").write_text(json.dumps(changed))

    append(run, step(2))
    assert follow(run, tracking_root)

    assert state(run)[lost]["target"] != before
    assert [point[0] for point in tensorboard_scalars(run)[STEP_LOSS]] == [1, 2]
    assert [point[0] for point in mlflow_metrics(run, tracking_root)[STEP_LOSS]] == [1, 2]


@pytest.mark.parametrize("torn", [b"", b'{"mlflow": {"tar', b"\xff\0", b'{"mlflow": 3, "tensorboard": {}}'])
def test_a_damaged_memory_means_writing_all_of_it_anew(
    tmp_path: Path, tracking_root: Path, torn: bytes
) -> None:
    run = make_run(tmp_path / "run")
    append(run, started(), step(1))
    (run / "tracking.json").write_bytes(torn)
    assert follow(run, tracking_root)
    assert [point[0] for point in tensorboard_scalars(run)[STEP_LOSS]] == [1]
    assert [point[0] for point in mlflow_metrics(run, tracking_root)[STEP_LOSS]] == [1]


def test_a_stream_that_lost_its_end_is_shown_from_its_beginning(tmp_path: Path, tracking_root: Path) -> None:
    run = make_run(tmp_path / "run")
    append(run, started(), step(1), step(2), step(3))
    assert follow(run, tracking_root)
    lines = (run / "events.jsonl").read_bytes().splitlines(keepends=True)
    (run / "events.jsonl").write_bytes(b"".join(lines[:2]))  # what a power cut may leave
    append(run, step(4))
    assert follow(run, tracking_root)
    assert 4 in [point[0] for point in mlflow_metrics(run, tracking_root)[STEP_LOSS]]


def test_a_folder_of_runs_that_was_moved_takes_its_pictures_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow.tracking._tracking_service import utils

    runs, new_place = tmp_path / "runs", tmp_path / "new place"
    run = make_run(runs / "run")
    append(run, started(), validation(10), FinishedEvent(10, "interrupted", 1.0))
    assert follow(run, runs / "tracking")
    before = mlflow_run(run, runs / "tracking").info.run_id

    runs.rename(new_place)
    monkeypatch.setattr(utils, "_artifact_repos_cache", OrderedDict())  # as in another process
    run, tracking_root = new_place / "run", new_place / "tracking"
    append(run, started(resumed_from_step=10), step(11))
    (run / "summary.json").write_text("{}")
    assert follow(run, tracking_root)

    found = mlflow_run(run, tracking_root)
    assert found.info.run_id == before
    files = [file.path for file in client(tracking_root).list_artifacts(before)]
    pictures = [file.path for file in client(tracking_root).list_artifacts(before, "attention")]
    assert pictures == ["attention/step-10.png"]  # from before the move
    assert "summary.json" in files and not runs.exists()  # nothing is written into the old place


def test_a_locked_store_is_told_once_holds_up_nothing_else_and_is_caught_up_with(
    tmp_path: Path, tracking_root: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mlflow_store, "USABLE_TIMEOUT_S", 1.0)
    run = make_run(tmp_path / "run")
    append(run, started(), step(1))
    tracking_root.mkdir(exist_ok=True)
    other_program = sqlite3.connect(database_path(tracking_root), isolation_level=None)
    other_program.execute("BEGIN EXCLUSIVE")

    def warnings() -> list[str]:
        return [record.getMessage() for record in caplog.records if "mlflow" in record.getMessage()]

    try:
        tracker = Tracker(run, tracking_root)
        tracker.start()
        size = (run / "events.jsonl").stat().st_size
        wait_until(lambda: state(run).get("tensorboard", {}).get("offset") == size)
        wait_until(lambda: bool(warnings()))
        assert "mlflow" not in state(run)
        assert not tracker.close(timeout_s=3.0)  # gives up in time, and says so
    finally:
        other_program.execute("ROLLBACK")
        other_program.close()
    assert [message for message in warnings() if "locked" in message] == [warnings()[0]]

    assert follow(run, tracking_root)
    assert [point[0] for point in mlflow_metrics(run, tracking_root)[STEP_LOSS]] == [1]


def test_a_store_that_breaks_and_comes_back_is_caught_up_with_by_the_same_tracker(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    append(run, started(), step(1))
    broken_root = tmp_path / "tracking"
    broken_root.write_text("a file where the folder should be")
    tracker = Tracker(run, broken_root)
    tracker.start()
    wait_until(lambda: "tensorboard" in state(run))
    append(run, step(2))
    broken_root.unlink()

    assert tracker.close(CLOSE_TIMEOUT_S)
    assert [point[0] for point in mlflow_metrics(run, broken_root)[STEP_LOSS]] == [1, 2]


def test_a_store_whose_maker_was_killed_is_made_anew(tmp_path: Path) -> None:
    """MLflow makes its tables one by one, and cannot go on where it was killed."""
    run, tracking = make_run(tmp_path / "run"), tmp_path / "tracking"
    append(run, started(), step(1))
    tracking.mkdir()
    with sqlite3.connect(database_path(tracking)) as half:
        half.execute("CREATE TABLE guardrails (id INTEGER)")
        half.execute("CREATE TABLE experiments (experiment_id INTEGER)")
    half.close()
    mark = database_path(tracking).with_suffix(".making")
    mark.touch()
    assert follow(run, tracking)
    assert [point[0] for point in mlflow_metrics(run, tracking)[STEP_LOSS]] == [1]
    assert not mark.exists()


def test_restarts_and_incidents_are_shown(tmp_path: Path, tracking_root: Path) -> None:
    """Where training begins anew, TensorBoard shows the new steps alone; MLflow keeps all."""
    run = make_run(tmp_path / "run")
    append(run, started(), step(1), step(2), IncidentEvent(2, "non_finite_update", {"terms": ["total"]}))
    append(
        run, FinishedEvent(2, "non_finite"), RestartEvent(1, "non_finite", 2, 1, ["learning_rate x 0.5"], 2.0)
    )
    append(run, started(1), step(2), FinishedEvent(2, "attention_failed"))
    append(run, RestartEvent(2, "attention_failed", 2, None, ["next seed"], 2.0), started(), step(1))
    assert follow(run, tracking_root)
    tags = mlflow_run(run, tracking_root).data.tags
    assert tags["restart.1"] == "non_finite at step 2, on from step 1; learning_rate x 0.5"
    assert tags["restart.2"] == "attention_failed at step 2, on from the beginning; next seed"
    metrics = mlflow_metrics(run, tracking_root)
    assert sorted(point[:2] for point in metrics["recovery/restarts"]) == [(0, 2.0), (1, 1.0)]
    assert [point[:2] for point in metrics["recovery/non_finite_update"]] == [(2, 1.0)]
    shown = tensorboard_scalars(run)
    assert [point[0] for point in shown[STEP_LOSS]] == [1]
    assert [point[:2] for point in shown["recovery/restarts"]] == [(0, 2.0)]


def test_r_and_teacher_forcing_are_shown_where_a_record_has_them() -> None:
    scheduled = dataclasses.replace(step(3), n_frames_per_step=5, teacher_forcing=0.5)
    shown = {name: value for name, value in event_scalars(scheduled)[1].items() if "loss" not in name}
    assert shown["train/n_frames_per_step"] == 5.0 and shown["train/teacher_forcing"] == 0.5
    assert not {"train/n_frames_per_step", "train/teacher_forcing"} & event_scalars(step(3))[1].keys()


def test_trials_are_the_children_of_one_run_for_each_study(tmp_path: Path, tracking_root: Path) -> None:
    parents = []
    for study, number in (("first", 0), ("first", 1), ("second", 0)):
        trial = make_run(tmp_path / study / f"trial-{number:04d}")
        TrialRecord(study, number).write(trial / "trial.json")
        append(trial, started(), step(1))
        assert follow(trial, tracking_root)
        shown = mlflow_run(trial, tracking_root)
        assert (shown.data.tags["study"], shown.data.tags["trial"]) == (study, str(number))
        parents.append(client(tracking_root).get_run(shown.data.tags["mlflow.parentRunId"]))
        assert (parents[-1].info.run_name, parents[-1].info.status) == (study, "RUNNING")
    assert parents[0].info.run_id == parents[1].info.run_id != parents[2].info.run_id
    append(trial, FinishedEvent(1, "non_finite", 1.0))
    assert follow(trial, tracking_root)
    assert mlflow_run(trial, tracking_root).info.status == "FAILED"
    assert client(tracking_root).get_run(parents[2].info.run_id).info.status == "FINISHED"


@pytest.mark.parametrize("content", ["", "[]", '{"study": "s"}', '{"study": "s", "number": "1"}'])
def test_a_damaged_record_of_a_trial_is_refused_in_words(tmp_path: Path, content: str) -> None:
    path = tmp_path / "trial.json"
    assert TrialRecord.read(path) is None
    path.write_text(content)
    with pytest.raises(TrialRecordError, match=r"trial\.json: is no record"):
        TrialRecord.read(path)
