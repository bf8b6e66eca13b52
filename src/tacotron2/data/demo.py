"""The demo corpus: our own sentences, spoken by the bundled synthesiser, when no recordings were named.

    folder/demo-<key>/
        wavs/train-00001.wav ...    16 bit, mono, at the synthesiser's rate of 22,050 Hz
        train.txt validation.txt test.txt    wavs/ID.wav|text
        metadata.csv                ID|text, all splits
        demo.json                   settings, clips, seconds: written last

The key is a hash of every setting that shapes the corpus. Corpora of different settings live side by side,
a finished one is used again, and nothing that exists is ever changed or deleted: a corpus grows in a folder
of its own and gets its name when it is complete.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import secrets
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tacotron2.data.grammars import Grammar, GrammarError, find_grammar
from tacotron2.data.sentences import SentenceError, Sentences, write_sentences
from tacotron2.data.synthesiser import SynthesiserError, speak_clips
from tacotron2.files import write_atomically
from tacotron2.hparams import HParams, HParamsError

SPLITS = ("train", "validation", "test")
RECORD = "demo.json"

Progress = Callable[[int, int], None]


class DemoError(ValueError):
    """The demo corpus cannot be made or used; the message says why and what would help."""


class DemoSettingsError(DemoError, HParamsError):
    """No corpus can be made with these settings: language, voice or lengths."""


@dataclass(frozen=True)
class DemoCorpus:
    """A finished corpus: its lists are `wavs/ID.wav|text` lines relative to `folder`."""

    folder: Path
    train_list: Path
    validation_list: Path
    test_list: Path
    seconds: float


@dataclass(frozen=True)
class _Clip:
    id: str
    text: str

    @property
    def wav(self) -> str:
        return f"wavs/{self.id}.wav"


def make_demo(folder: Path, hparams: HParams, progress: Progress | None = None) -> DemoCorpus:
    """The corpus of these hyper-parameters inside `folder`: made now, or found there finished.

    Equal settings give the same bytes of every file. `progress` is called with (clips done, clips in all).

    Raises:
        DemoSettingsError: a language without a grammar, an unknown voice, impossible lengths.
        DemoError: no synthesiser, or a folder that cannot be used.
    """
    grammar = _grammar(hparams)
    settings = _settings(hparams, grammar)
    home = _home(folder, settings)
    if home.exists():
        return _open(home)
    sentences = _sentences(hparams, grammar)
    with _workplace(home) as workplace:
        seconds = _fill(workplace, sentences, hparams, settings, progress)
        _publish(workplace, home)
    return _corpus(home, seconds)


def find_demo(folder: Path, hparams: HParams) -> DemoCorpus | None:
    """What `make_demo` has made; None where it has made nothing yet.

    Raises:
        DemoSettingsError: as `make_demo`.
        DemoError: files of it are missing.
    """
    home = _home(folder, _settings(hparams, _grammar(hparams)))
    return _open(home) if home.exists() else None


def _grammar(hparams: HParams) -> Grammar:
    try:
        return find_grammar(hparams.text.language)
    except GrammarError as error:
        raise DemoSettingsError(
            f"{error}; name recordings of your own (run.data_folder), or take one of these"
        ) from error


def _home(folder: Path, settings: dict[str, Any]) -> Path:
    key = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:8]
    return folder / f"demo-{key}"


def _settings(hparams: HParams, grammar: Grammar) -> dict[str, Any]:
    """Everything that the bytes of the corpus depend on."""
    held_out = {name: getattr(hparams.data, name) for name in ("validation_clips", "test_clips")}
    # English goes without saying, or the corpora on people's disks would lose their names.
    language = {} if grammar.language == "en" else {"language": grammar.language}
    return {"grammar": grammar.version, **language, **asdict(hparams.demo), **held_out}


def _sentences(hparams: HParams, grammar: Grammar) -> Sentences:
    demo, data = hparams.demo, hparams.data
    try:
        return write_sentences(
            grammar,
            demo.demo_clips,
            data.validation_clips,
            data.test_clips,
            demo.demo_min_characters,
            demo.demo_max_characters,
            demo.demo_seed,
        )
    except SentenceError as error:
        raise DemoSettingsError(str(error)) from error


def _corpus(home: Path, seconds: float) -> DemoCorpus:
    train, validation, test = (home / f"{split}.txt" for split in SPLITS)
    return DemoCorpus(home, train, validation, test, seconds)


def _open(home: Path) -> DemoCorpus:
    """A finished corpus, after a look at whether all its files are there."""
    advice = f"remove or rename the folder {home} and it is made anew"
    try:
        record = json.loads((home / RECORD).read_text(encoding="utf-8"))
        seconds = float(record["seconds"])
        wavs = [line.partition("|")[0] for split in SPLITS for line in _lines(home / f"{split}.txt")]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DemoError(f"{home} is not a complete demo corpus ({error}); {advice}") from error
    present = {f"wavs/{path.name}" for path in (home / "wavs").glob("*.wav")}
    missing = [wav for wav in wavs if wav not in present]
    if missing:
        raise DemoError(f"{home}: {len(missing)} recordings are missing, the first is {missing[0]}; {advice}")
    return _corpus(home, seconds)


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


@contextlib.contextmanager
def _workplace(home: Path) -> Iterator[Path]:
    """An empty folder beside the corpus to be; gone afterwards, unless it was renamed."""
    workplace = home.with_name(f".{home.name}-{secrets.token_hex(4)}")
    try:
        (workplace / "wavs").mkdir(parents=True)
    except OSError as error:
        raise DemoError(f"{home.parent}: no demo corpus can be made there ({error.strerror})") from error
    try:
        yield workplace
    finally:
        shutil.rmtree(workplace, ignore_errors=True)


def _publish(workplace: Path, home: Path) -> None:
    """Give the complete corpus its name; another process may have been faster with the same bytes."""
    try:
        workplace.rename(home)
    except OSError:
        _open(home)


def _fill(
    workplace: Path,
    sentences: Sentences,
    hparams: HParams,
    settings: dict[str, Any],
    progress: Progress | None,
) -> float:
    """Write all files of the corpus; the seconds of audio."""
    clips = {
        split: [_Clip(f"{split}-{number:05d}", text) for number, text in enumerate(texts, start=1)]
        for split, texts in zip(SPLITS, (sentences.train, sentences.validation, sentences.test), strict=True)
    }
    everything = [clip for split in SPLITS for clip in clips[split]]
    seconds = round(_speak(workplace, everything, hparams, progress), 3)
    for split in SPLITS:
        _write(workplace / f"{split}.txt", "".join(f"{clip.wav}|{clip.text}\n" for clip in clips[split]))
    _write(workplace / "metadata.csv", "".join(f"{clip.id}|{clip.text}\n" for clip in everything))
    counts = {split: len(clips[split]) for split in SPLITS}
    record = {"settings": settings, "clips": counts, "seconds": seconds}
    _write(workplace / RECORD, json.dumps(record, indent=2) + "\n")
    return seconds


def _write(path: Path, content: str) -> None:
    write_atomically(path, content.encode())


def _speak(workplace: Path, clips: list[_Clip], hparams: HParams, progress: Progress | None) -> float:
    """Every clip as a wav file, in the given order; the seconds of audio."""
    named = [(clip.text, workplace.absolute() / clip.wav) for clip in clips]
    try:
        return speak_clips(named, hparams.demo, progress)
    except SynthesiserError as error:
        raise (DemoSettingsError if error.setting else DemoError)(str(error)) from error
