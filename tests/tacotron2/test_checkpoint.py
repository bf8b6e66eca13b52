"""A checkpoint is whole, unchanged, harmless and ours, or an error that names it."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
import torch

from tacotron2.checkpoint import CheckpointError, load_model, read_checkpoint, save_checkpoint, sidecar_path
from tacotron2.files import StorageError
from tacotron2.hparams import create_hparams
from tacotron2.models import Tacotron2
from tacotron2.training.state import CheckpointFolder, NonFiniteWeightsError, Progress

SMALL = (
    "use_gst=False,use_mmi=False,use_ddc=False,drop_frame_rate=0,"
    "symbols_embedding_dim=8,encoder_embedding_dim=8,prenet_dim=8,attention_rnn_dim=8,attention_dim=4,"
    "decoder_rnn_dim=8,postnet_embedding_dim=8"
)


def weights_file(folder: Path) -> tuple[Path, Tacotron2]:
    hparams = create_hparams(SMALL)
    torch.manual_seed(0)
    model = Tacotron2(hparams)
    path = folder / "best-0000001.ckpt"
    save_checkpoint(path, {"hparams": hparams.to_dict(), "model": model.state_dict()}, {"step": 1})
    return path, model


def test_a_model_from_before_the_auxiliary_parts_is_a_plain_one(tmp_path: Path) -> None:
    hparams = create_hparams(SMALL)
    old = hparams.to_dict()
    for name in ("use_gst", "use_mmi", "use_ddc", "drop_frame_rate"):
        del old["model"][name]
    path = tmp_path / "best-0000001.ckpt"
    save_checkpoint(path, {"hparams": old, "model": Tacotron2(hparams).state_dict()}, {"step": 1})
    assert load_model(path).hparams == hparams


def test_a_model_comes_back_as_it_was(tmp_path: Path) -> None:
    path, model = weights_file(tmp_path)
    loaded = load_model(path)
    assert not loaded.training
    for name, value in model.state_dict().items():
        assert torch.equal(value, loaded.state_dict()[name]), name
    facts = json.loads(sidecar_path(path).read_text())
    assert facts["finite"] is True and facts["step"] == 1 and facts["bytes"] == path.stat().st_size


@pytest.mark.parametrize(
    "damage", ["truncated", "flipped", "no sidecar", "odd sidecar", "missing", "not ours"]
)
def test_damage_is_named(tmp_path: Path, damage: str) -> None:
    path, _ = weights_file(tmp_path)
    data = bytearray(path.read_bytes())
    if damage == "truncated":
        path.write_bytes(data[: len(data) // 2])
    elif damage == "flipped":
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
    elif damage == "no sidecar":
        sidecar_path(path).unlink()
    elif damage == "odd sidecar":
        sidecar_path(path).write_text("[]")
    elif damage == "missing":
        path.unlink()
    else:
        save_checkpoint(path, {"something": 1}, {})
    with pytest.raises(CheckpointError, match=path.name):
        load_model(path)


def test_loading_runs_no_code(tmp_path: Path) -> None:
    """A pickle that would create a file on loading, with a valid checksum beside it."""
    trap, path = tmp_path / "sprung", tmp_path / "best-0000002.ckpt"

    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str, ...]]:
            return (os.system, (f"touch {trap}",))

    save_checkpoint(path, {"hparams": {}, "payload": Trap()}, {})
    with pytest.raises(CheckpointError, match="safely"):
        read_checkpoint(path)
    assert not trap.exists()


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (2, "checkpoint schema 2, newer than schema 1, .* update the program, or start a new run"),
        (0, "checkpoint schema 0, older than schema 1, .* the version of the program that wrote it"),
        (None, "carries no schema version"),
        ("1", "carries no schema version"),
    ],
)
@pytest.mark.parametrize("told_by", ["sidecar", "file"])
def test_another_schema_version_is_told_with_what_to_do(
    tmp_path: Path, found: object, words: str, told_by: str
) -> None:
    path, _ = weights_file(tmp_path)
    if told_by == "sidecar":
        facts = json.loads(sidecar_path(path).read_text())
        sidecar_path(path).write_text(json.dumps(facts | {"schema": found}))
        path.write_bytes(b"another version may have written anything")
    else:
        save_checkpoint(path, {"schema": found}, {})
    with pytest.raises(CheckpointError, match=f"{path.name}: {words}"):
        load_model(path)


def test_what_another_version_wrote_is_neither_passed_over_nor_removed(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "state-0000001.ckpt", {"schema": 2, "step": 1}, {})
    before = sorted(path.name for path in tmp_path.iterdir())
    with pytest.raises(CheckpointError, match="newer"):
        CheckpointFolder(tmp_path, 1).newest_state()
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_a_state_whose_file_is_gone_is_an_error_and_not_a_new_start(tmp_path: Path) -> None:
    path = tmp_path / "state-0000001.ckpt"
    save_checkpoint(path, {"step": 1}, {})
    path.unlink()
    with pytest.raises(CheckpointError, match="state-0000001.ckpt: no such"):
        CheckpointFolder(tmp_path, 1).newest_state()


@pytest.mark.parametrize("full_at", [1, 2, 3, 4], ids=["file", "its folder", "sidecar", "its folder again"])
def test_on_a_full_disk_the_state_before_is_kept_and_the_message_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, full_at: int
) -> None:
    hparams = create_hparams(SMALL)
    model = Tacotron2(hparams)
    optimizer, folder = torch.optim.AdamW(model.parameters()), CheckpointFolder(tmp_path, 1)
    folder.save_state(hparams, model, optimizer, Progress(step=1), {})
    calls, fsync = iter(range(1, 100)), os.fsync

    def full(descriptor: int) -> None:
        if next(calls) == full_at:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    words = "state-0000002.ckpt.*: cannot be written .No space left on device.; state-0000001.ckpt is kept"
    with pytest.raises(StorageError, match=words):
        folder.save_state(hparams, model, optimizer, Progress(step=2), {})
    assert not list(tmp_path.glob(".*"))
    assert read_checkpoint(tmp_path / "state-0000001.ckpt")["step"] == 1
    found = folder.newest_state()
    assert found is not None and found[1]["step"] == (2 if full_at == 4 else 1)
    folder.tidy(found[0])
    assert len(list(tmp_path.iterdir())) == 2


def test_a_sidecar_does_not_vouch_for_another_file_of_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Written once more after a rollback, and killed between file and sidecar."""
    path, _ = weights_file(tmp_path)
    facts = json.loads(sidecar_path(path).read_text()) | {"quality": 0.9}
    sidecar_path(path).write_text(json.dumps(facts))
    folder = CheckpointFolder(tmp_path, 2)
    assert [best.path for best in folder.best()] == [path]
    replace = os.replace

    def killed(source: Path, target: Path) -> None:
        if Path(target) == sidecar_path(path):
            raise KeyboardInterrupt
        replace(source, target)

    monkeypatch.setattr(os, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        save_checkpoint(path, {"hparams": {}, "model": {}}, {"quality": 0.9, "step": 1})
    assert folder.best() == []


def test_weights_that_are_not_finite_are_never_saved(tmp_path: Path) -> None:
    hparams = create_hparams(SMALL)
    model = Tacotron2(hparams)
    with torch.no_grad():
        model.embedding.weight[3, 3] = float("nan")
    with pytest.raises(NonFiniteWeightsError, match="embedding.weight"):
        CheckpointFolder(tmp_path, 1).save_best(hparams, model, 1, 0.5)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("keep_states", [1, 2])
def test_the_k_best_and_the_newest_states_are_kept(tmp_path: Path, keep_states: int) -> None:
    hparams = create_hparams(SMALL)
    model = Tacotron2(hparams)
    optimizer = torch.optim.AdamW(model.parameters())
    folder = CheckpointFolder(tmp_path, keep_best=2, keep_states=keep_states)
    qualities = (0.3, 0.1, 0.2, 0.1)
    kept = [folder.save_best(hparams, model, step, q) is not None for step, q in enumerate(qualities)]
    assert kept == [True, True, True, False]
    assert [(best.step, best.quality) for best in folder.best()] == [(0, 0.3), (2, 0.2)]
    for step in (10, 20, 30):
        folder.save_state(hparams, model, optimizer, Progress(step=step, sampler={"epoch": 0}), {})
    kept_states = [f"state-{step:07d}.ckpt" for step in (10, 20, 30)][-keep_states:]
    named = sorted(path.name for path in tmp_path.glob("state-*"))
    assert named == sorted([*kept_states, *(f"{name}.json" for name in kept_states)])
    assert read_checkpoint(folder.best()[0].path).keys() == {
        "schema",
        "hparams",
        "model",
        "step",
        "n_frames_per_step",
    }


def test_a_smaller_r_comes_before_a_higher_quality(tmp_path: Path) -> None:
    """Qualities at different r cannot be compared (docs/metrics.md)."""
    hparams = create_hparams(SMALL + ",n_frames_per_step=2,reduction_schedule=0:5 9:3 20:2")
    model, folder = Tacotron2(hparams), CheckpointFolder(tmp_path, keep_best=2)
    kept = []
    for step, (r, quality) in enumerate([(5, 0.9), (5, 0.8), (3, 0.1), (3, 0.3), (3, 0.05), (2, 0.01)]):
        model.decoder.set_r(r)
        kept.append(folder.save_best(hparams, model, step, quality) is not None)
    assert kept == [True, True, True, True, False, True]
    assert [(best.r, best.step) for best in folder.best()] == [(2, 5), (3, 3)]
    assert [load_model(best.path).r for best in folder.best()] == [2, 3]


def test_what_a_killed_writer_left_is_removed(tmp_path: Path) -> None:
    hparams = create_hparams(SMALL)
    folder = CheckpointFolder(tmp_path, keep_best=2)
    good = folder.save_best(hparams, Tacotron2(hparams), 1, 0.5)
    (tmp_path / "best-0000002.ckpt").write_bytes(b"killed before its sidecar")
    (tmp_path / "best-0000003.ckpt").write_bytes(b"its sidecar is damaged")
    (tmp_path / "best-0000003.ckpt.json").write_text("{")
    (tmp_path / ".state-0000004.ckpt-abc").write_bytes(b"killed while writing")
    assert [best.path for best in folder.best()] == [good]
    folder.tidy(None)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["best-0000001.ckpt", "best-0000001.ckpt.json"]


def test_of_states_the_one_to_go_on_from_and_the_newest_whole_older_ones_stay(tmp_path: Path) -> None:
    """Newer ones were damaged, or it would not be gone on from an older one."""
    for step in (1, 2, 3, 5, 7):
        save_checkpoint(tmp_path / f"state-{step:07d}.ckpt", {"step": step}, {})
    (tmp_path / "state-0000003.ckpt.json").unlink()
    (tmp_path / "state-0000004.ckpt").write_bytes(b"killed before its sidecar")
    CheckpointFolder(tmp_path, 1, keep_states=2).tidy(tmp_path / "state-0000005.ckpt")
    assert [path.name for path in sorted(tmp_path.glob("*.ckpt"))] == [
        "state-0000002.ckpt",
        "state-0000005.ckpt",
    ]
    assert len(list(tmp_path.glob("*.json"))) == 2


def test_weights_that_were_to_be_replaced_when_it_was_killed_are_removed(tmp_path: Path) -> None:
    for step, quality in ((1, 0.3), (2, 0.5)):
        save_checkpoint(tmp_path / f"best-{step:07d}.ckpt", {}, {"step": step, "quality": quality})
    folder = CheckpointFolder(tmp_path, 1)
    folder.tidy(None)
    assert [best.step for best in folder.best()] == [2]


def test_a_damaged_newest_state_falls_back_to_the_one_before(tmp_path: Path) -> None:
    for step in (1, 2):
        save_checkpoint(tmp_path / f"state-{step:07d}.ckpt", {"step": step}, {})
    (tmp_path / "state-0000003.ckpt").write_bytes(b"a write that was cut off before its sidecar")
    newest = tmp_path / "state-0000002.ckpt"
    newest.write_bytes(newest.read_bytes()[:-10])
    found = CheckpointFolder(tmp_path, 1).newest_state()
    assert found is not None and found[1]["step"] == 1


def test_killed_while_writing_a_good_state_remains(tmp_path: Path) -> None:
    """A real process that saves without pause, killed with SIGKILL at several moments."""
    program = textwrap.dedent(
        f"""
        import torch
        from pathlib import Path
        from tacotron2.hparams import create_hparams
        from tacotron2.models import Tacotron2
        from tacotron2.training.state import CheckpointFolder, Progress
        hparams = create_hparams({SMALL!r})
        model = Tacotron2(hparams)
        optimizer = torch.optim.AdamW(model.parameters())
        folder = CheckpointFolder(Path({str(tmp_path)!r}), 1)
        for step in range(1, 100000):
            folder.save_state(hparams, model, optimizer, Progress(step=step, sampler={{}}), {{}})
            if step == 1:
                print("saving", flush=True)
        """
    )
    for wait_s in (0.05, 0.013, 0.031):
        child = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None and child.stdout.readline().strip() == "saving"
        time.sleep(wait_s)
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        found = CheckpointFolder(tmp_path, 1).newest_state()
        assert found is not None and found[1]["step"] >= 1
