"""A disk that gets full, a real one: the last good state stays, and training goes on when there is room."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tacotron2.data.dataset import TextMelLoader
from tacotron2.events import Event
from tacotron2.files import StorageError
from tacotron2.hparams import HParams
from tacotron2.training import train
from tests.bit_for_bit import equal, timeless

Sets = tuple[TextMelLoader, TextMelLoader]


def mount(*options: str) -> bool:
    try:
        return subprocess.run(["mount", *options], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Room for one state and a bit."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if not mount("-t", "tmpfs", "-o", "size=16m", "none", str(folder)):
        pytest.skip("a file system can only be mounted by the administrator")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.usefixtures("blank_pictures")
def test_a_full_disk_leaves_the_last_good_state(
    tiny: HParams, sets: Sets, tmp_path: Path, small_disk: Path
) -> None:
    hparams = tiny.replace(max_steps=6, checkpoint_every=2, keep_states=2, validate_every=100)
    events: list[Event] = []
    ballast, checkpoints = small_disk / "ballast", small_disk / "checkpoints"

    def fill(event: Event) -> None:
        """As soon as the first state is there, room for half a second one is left."""
        events.append(event)
        if event.kind == "checkpoint" and not ballast.exists():
            size = (checkpoints / "state-0000002.ckpt").stat().st_size
            ballast.write_bytes(b"x" * (16 * 2**20 - 3 * size // 2 - 2**16))

    with pytest.raises(
        StorageError, match=r"state-0000004\.ckpt: cannot be written .No space left.*state-0000002"
    ):
        train(hparams, *sets, small_disk, device="cpu", emit=fill)
    names = sorted(path.name for path in checkpoints.iterdir())
    assert names == ["state-0000002.ckpt", "state-0000002.ckpt.json"]
    ballast.unlink()
    train(hparams, *sets, small_disk, device="cpu")
    train(hparams, *sets, tmp_path / "undisturbed", device="cpu")
    state = Path("checkpoints") / "state-0000006.ckpt"
    assert equal(timeless(small_disk / state), timeless(tmp_path / "undisturbed" / state))
