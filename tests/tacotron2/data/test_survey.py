"""A quick look at a folder: the seconds of its headers, measured once for the same files."""

from __future__ import annotations

from pathlib import Path

import pytest

from tacotron2.data import screening
from tacotron2.data import survey as module
from tacotron2.data.survey import letter_pairs, survey
from tacotron2.data.utterances import DataError
from tests.tacotron2.data.recordings import HPARAMS, TEXT, add_line, fingerprint, ljspeech, tone


def test_what_counts_and_what_does_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, home = ljspeech(tmp_path / "mine"), tmp_path / "data"
    tone(folder / "wavs" / "c000.wav", seconds=20.0)
    tone(folder / "wavs" / "c001.wav", seconds=0.1)
    (folder / "wavs" / "c002.wav").write_bytes(b"")
    add_line(folder, b"gone|" + TEXT.encode())
    add_line(folder, b"not a line")
    before = fingerprint(folder)
    monkeypatch.setattr(screening, "read_samples", lambda path: pytest.fail("decoded"))
    told: list[tuple[int, int]] = []
    found = survey(folder, home, HPARAMS, lambda *each: told.append(each))
    assert (found.named, found.clips, found.sampling_rate) == (14, 9, 16_000)
    assert found.hours == pytest.approx(9 * 1.2 / 3600)
    assert (found.letter_pairs, found.speakers) == (len(letter_pairs(TEXT)), 1)
    assert "LJSpeech" in found.layout and told[-1] == (13, 13)
    assert fingerprint(folder) == before


def test_the_second_look_finds_the_first_and_a_change_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, home = ljspeech(tmp_path / "mine"), tmp_path / "data"
    first = survey(folder, home, HPARAMS)
    (kept,) = home.glob("survey-*.json")
    with monkeypatch.context() as patched:
        patched.setattr(module, "check_file", lambda *_: pytest.fail("looked at again"))
        assert survey(folder, home, HPARAMS) == first
    kept.write_text("{")
    assert survey(folder, home, HPARAMS) == first
    kept.write_text('{"clips": 3}')  # another version of the program has written it
    assert survey(folder, home, HPARAMS) == first
    tone(folder / "wavs" / "c003.wav", seconds=9.0)
    assert survey(folder, home, HPARAMS).hours == pytest.approx(first.hours + 7.8 / 3600)


def test_nothing_usable_is_no_error_here_and_no_known_form_is(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "metadata.csv").write_text(f"gone|{TEXT}\n")
    found = survey(folder, tmp_path / "data", HPARAMS)
    assert (found.named, found.clips, found.hours, found.sampling_rate) == (1, 0, 0.0, 0)
    (folder / "metadata.csv").unlink()
    with pytest.raises(DataError, match="the folder is empty"):
        survey(folder, tmp_path / "data", HPARAMS)


@pytest.mark.parametrize(
    ("text", "pairs"),
    [("Abba", {"ab", "bb", "ba"}), ("a b, c!", set()), ("Ёж ёж 12", {"ёж"}), ("", set())],
)
def test_letter_pairs(text: str, pairs: set[str]) -> None:
    assert letter_pairs(text) == pairs
