"""The container of a voice: every damage is named, and a hostile one reaches nothing."""

from __future__ import annotations

import hashlib
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tacotron2 import voice_file
from tacotron2.voice_file import SUMS, VoiceError, pack, unpack

PARTS = {"voice.json": b"{}\n", "weights.npz": bytes(range(256)) * 40, "samples/1.wav": b"RIFF" * 9}


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    path = tmp_path / "good.voice.zip"
    pack(path, PARTS)
    return path


def rewritten(path: Path, change: Callable[[dict[str, bytes]], object], compression: int = 0) -> Path:
    """The same zip with other entries."""
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    change(entries)
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return path


def line(name: str, content: bytes) -> bytes:
    return f"{hashlib.sha256(content).hexdigest()}  {name}\n".encode()


def test_what_was_packed_comes_back_from_file_and_folder(packed: Path, tmp_path: Path) -> None:
    assert unpack(packed) == PARTS
    twin = tmp_path / "twin.zip"
    pack(twin, PARTS)
    assert twin.read_bytes() == packed.read_bytes()
    folder = tmp_path / "folder"
    with zipfile.ZipFile(packed) as archive:
        archive.extractall(folder)
    assert unpack(folder) == PARTS
    subprocess.run(["sha256sum", "--check", "--quiet", SUMS], cwd=folder, check=True)


def test_a_voice_packed_again_by_another_program_is_read(packed: Path) -> None:
    rewritten(packed, lambda entries: entries.update({"notes.txt": b"mine"}), zipfile.ZIP_DEFLATED)
    assert unpack(packed) == PARTS


@pytest.mark.parametrize("name", PARTS)
def test_every_damaged_or_missing_part_is_named(packed: Path, tmp_path: Path, name: str) -> None:
    folder = tmp_path / "folder"
    with zipfile.ZipFile(packed) as archive:
        archive.extractall(folder)
    content = bytearray(PARTS[name])
    content[-1] ^= 1
    (folder / name).write_bytes(content)
    with pytest.raises(VoiceError, match=rf"folder: {name} is damaged"):
        unpack(folder)
    (folder / name).unlink()
    with pytest.raises(VoiceError, match=rf"folder: {name} is missing"):
        unpack(folder)
    data = bytearray(packed.read_bytes())
    data[data.index(PARTS[name])] ^= 1
    packed.write_bytes(data)
    with pytest.raises(VoiceError, match=rf"good\.voice\.zip: {name} is damaged"):
        unpack(packed)


def test_no_damage_of_a_single_byte_changes_what_is_read(packed: Path) -> None:
    """Any byte, any value: the same parts, or an error that names the file."""
    good, generator, refused = packed.read_bytes(), np.random.default_rng(5), 0
    largest = good.index(PARTS["weights.npz"])
    others = np.r_[:largest, largest + len(PARTS["weights.npz"]) : len(good)]
    for position in generator.choice(others, 300):
        data = bytearray(good)
        data[position] ^= int(generator.integers(1, 256))
        packed.write_bytes(data)
        try:
            assert unpack(packed) == PARTS
        except VoiceError as error:
            refused += 1
            assert str(error).startswith(str(packed))
    assert refused > 100


@pytest.mark.parametrize("kept", [0, 30, 5000, -1])
def test_a_file_cut_short_is_refused(packed: Path, kept: int) -> None:
    packed.write_bytes(packed.read_bytes()[:kept])
    with pytest.raises(VoiceError, match="not a voice, or damaged"):
        unpack(packed)


def test_what_is_no_voice(tmp_path: Path) -> None:
    with pytest.raises(VoiceError, match="no such voice"):
        unpack(tmp_path / "none.zip")
    foreign = tmp_path / "foreign.zip"
    with zipfile.ZipFile(foreign, "w") as archive:
        archive.writestr("holiday.txt", "sun")
    for path in (foreign, tmp_path):
        with pytest.raises(VoiceError, match=f"{path.name}: not a voice: no {SUMS} at its top"):
            unpack(path)


@pytest.mark.parametrize(
    "name", ["../outside", "/etc/hostname", "a/../../outside", "a/b/c", "..", ".hidden", "a\\b", "a b"]
)
def test_no_name_leads_out_of_a_voice(packed: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "outside").write_bytes(b"secret")
    rewritten(packed, lambda entries: entries.update({SUMS: line(name, b"secret"), name: b"secret"}))
    with pytest.raises(VoiceError, match="is no name of a part"):
        unpack(packed)


def test_a_link_does_not_lead_out_of_a_folder(packed: Path, tmp_path: Path) -> None:
    folder, outside = tmp_path / "folder", tmp_path / "outside"
    with zipfile.ZipFile(packed) as archive:
        archive.extractall(folder)
    outside.write_bytes(PARTS["voice.json"])
    (folder / "voice.json").unlink()
    (folder / "voice.json").symlink_to(outside)
    with pytest.raises(VoiceError, match=r"voice\.json is a link that leads out"):
        unpack(folder)


def test_a_bomb_is_not_unpacked(packed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    zeros = bytes(2**20)
    rewritten(
        packed,
        lambda entries: entries.update({"bomb": zeros, SUMS: entries[SUMS] + line("bomb", zeros)}),
        zipfile.ZIP_DEFLATED,
    )
    assert packed.stat().st_size < 20_000
    assert unpack(packed)["bomb"] == zeros
    monkeypatch.setattr(voice_file, "LARGEST_BYTES", 2**20)  # the parts before it count too
    with pytest.raises(VoiceError, match="bomb takes 1,048,576 bytes"):
        unpack(packed)


def test_a_bomb_that_lies_about_its_size_is_damaged(packed: Path) -> None:
    zeros = bytes(2**20)
    rewritten(
        packed,
        lambda entries: entries.update({"bomb": zeros, SUMS: entries[SUMS] + line("bomb", zeros)}),
        zipfile.ZIP_DEFLATED,
    )
    data, true, lie = packed.read_bytes(), len(zeros).to_bytes(4, "little"), (9).to_bytes(4, "little")
    packed.write_bytes(data.replace(true, lie))
    with pytest.raises(VoiceError, match="bomb is damaged"):
        unpack(packed)


@pytest.mark.parametrize(
    ("listed", "told"),
    [
        (b"nonsense\n", "damaged in line 1"),
        (line("a", b"") * 2, "damaged in line 2"),
        (line(SUMS, b""), "damaged in line 1"),
        (b"\xff\xfe\n", "damaged in line 1"),
        (b"0" * 70_000, "takes 70,000 bytes"),
    ],
)
def test_a_list_of_checksums_that_cannot_be_used(packed: Path, listed: bytes, told: str) -> None:
    rewritten(packed, lambda entries: entries.update({SUMS: listed, "a": b""}))
    with pytest.raises(VoiceError, match=told):
        unpack(packed)
