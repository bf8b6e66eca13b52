"""A folder of recordings as three lists: recognised, screened and split, once.

    home/own-<key>/
        train.txt validation.txt test.txt    lists for `read_list`, paths from the user's folder
        rejected.tsv                         id, list place, reason
        corpus.json                          form, counts, advice: written last

The key is a hash of what the folder names (paths, texts, sizes and times of the files) and of the settings
that screen and split it. So a run that is gone on with finds its lists, and a changed folder gets others.
Nothing is written into the user's folder.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tacotron2.data.advice import advice
from tacotron2.data.entries import SPLITS, Entry, Rejection, counted, rejected_table
from tacotron2.data.formats import Contents, read_contents
from tacotron2.data.screening import screen
from tacotron2.data.speakers import require_named, speaker_names, speaker_numbers
from tacotron2.data.utterances import DataError
from tacotron2.files import write_atomically
from tacotron2.hparams import HParams

CORPUS_VERSION = 3
"""Part of every key; raised when the same folder begins to give other lists."""
RECORD = "corpus.json"
REJECTED = "rejected.tsv"
LARGEST_SHARE = 10
"""Validation and test take at most one of so many clips each."""
FEWEST_HELD_OUT = 2
FEWEST_CLIPS = 8
"""Two clips for validation, two for test, and twice as many to learn from."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Corpus:
    """Three lists for `read_list`, and how they came about."""

    folder: Path
    """What the paths in the lists count from."""
    lists_folder: Path
    """Holds train.txt, validation.txt and test.txt."""
    layout: str
    """Which form the folder has and why it was taken for that, in words."""
    num_clips: int
    """In all three lists."""
    num_rejected: int
    advice: tuple[str, ...] = ()
    """What is odd about the whole and may be meant, each with what to do about it."""

    def list_path(self, split: str) -> Path:
        """The list of train, validation or test."""
        return self.lists_folder / f"{split}.txt"

    @property
    def rejected_file(self) -> Path:
        return self.lists_folder / REJECTED


def open_corpus(folder: Path, home: Path, hparams: HParams, progress: Progress | None = None) -> Corpus:
    """The lists of a folder in any of the forms of docs/data.md, made at the first call.

    Args:
        home: where the lists are kept; not the user's folder.
        progress: told (done, total) clips while they are looked at.

    Raises:
        DataError: the folder has no known form or several, too few of its clips can be used, or its
            speakers are not those that `model.n_speakers` asks for.
    """
    contents = read_contents(folder)
    lists_folder = home / f"own-{contents_key(contents, folder, hparams)}"
    made = _finished(folder, lists_folder)
    return made or _make(folder, lists_folder, contents, hparams, progress)


def split_ids(ids: Sequence[str], seed: int, validation_clips: int, test_clips: int) -> dict[str, str]:
    """The split of every id; the order of the ids does not matter.

    Each held-out split has the number of clips asked for, but at most a tenth of all, and at least two.
    Ids are ranked by a hash with the seed: a folder that grows keeps most of its held-out clips.
    """
    limit = max(FEWEST_HELD_OUT, len(ids) // LARGEST_SHARE)
    ranked = sorted(ids, key=lambda each: _rank(each, seed))
    num_validation, num_test = min(validation_clips, limit), min(test_clips, limit)
    names = ["validation"] * num_validation + ["test"] * num_test
    names += ["train"] * (len(ranked) - len(names))
    return dict(zip(ranked, names, strict=True))


def contents_key(contents: Contents, folder: Path, hparams: HParams) -> str:
    """16 hexadecimal digits of what the folder names and of the settings that screen and split it."""
    parts = [dataclasses.asdict(part) for part in (hparams.audio, hparams.data, hparams.text)]
    settings = [CORPUS_VERSION, hparams.train.seed, *parts, hparams.model.n_speakers]
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    for entry in contents.entries:
        said = (entry.id, entry.audio, entry.text, entry.split, entry.speaker)
        named = (*said, _state(folder / entry.audio))
        digest.update(repr(named).encode())
    for rejection in contents.rejected:
        digest.update(repr((rejection.id, rejection.reason)).encode())
    return digest.hexdigest()[:16]


def _state(path: Path) -> tuple[int, int]:
    """Size and time of change of a file, zeros where there is none: a repaired clip is looked at again."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        return 0, 0
    return found.st_size, found.st_mtime_ns


def _finished(folder: Path, lists_folder: Path) -> Corpus | None:
    """What an earlier call has made; None where there is nothing whole."""
    try:
        record = json.loads((lists_folder / RECORD).read_text(encoding="utf-8"))
        counts, advised = (record["clips"], record["rejected"]), tuple(record["advice"])
        corpus = Corpus(folder, lists_folder, record["layout"], *counts, advised)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return corpus if all(corpus.list_path(split).is_file() for split in SPLITS) else None


def _make(
    folder: Path, lists_folder: Path, contents: Contents, hparams: HParams, progress: Progress | None
) -> Corpus:
    n_speakers = hparams.model.n_speakers
    require_named(contents.entries, n_speakers)
    kept, screened = screen(contents.entries, folder, hparams, progress)
    rejected = [*contents.rejected, *screened]
    splits = _split(kept, hparams)
    advised = tuple(advice(contents.entries, splits, hparams))
    corpus = Corpus(folder, lists_folder, contents.layout, len(kept), len(rejected), advised)
    _write(corpus.rejected_file, rejected_table(rejected))
    _require_enough(corpus, splits, rejected)
    names = speaker_names(splits["train"], n_speakers)
    speaker_numbers([*splits["validation"], *splits["test"]], names, n_speakers)
    for split in SPLITS:
        _write(corpus.list_path(split), _lines(splits[split]))
    record = {
        "layout": corpus.layout,
        "clips": corpus.num_clips,
        "rejected": corpus.num_rejected,
        "advice": corpus.advice,
    }
    _write(lists_folder / RECORD, json.dumps(record, ensure_ascii=False, indent=1) + "\n")
    return corpus


def _split(kept: Sequence[Entry], hparams: HParams) -> dict[str, list[Entry]]:
    """The clips of each list; the split is the user's own where the folder has one."""
    data, seed = hparams.data, hparams.train.seed
    # A speaker who is told apart must be learned: one clip of each is never held out.
    bound = _one_of_each_speaker(kept, seed) if hparams.model.n_speakers > 1 else set()
    free = [entry.id for entry in kept if entry.id not in bound]
    made = dict.fromkeys((entry.id for entry in kept), "train")
    if len(kept) >= FEWEST_CLIPS and len(free) >= 2 * FEWEST_HELD_OUT:
        made |= split_ids(free, seed, data.validation_clips, data.test_clips)
    splits: dict[str, list[Entry]] = {split: [] for split in SPLITS}
    for entry in kept:
        splits[entry.split or made[entry.id]].append(entry)
    return splits


def _one_of_each_speaker(entries: Iterable[Entry], seed: int) -> set[str]:
    """The id of each speaker's clip that comes last in the order of `split_ids`."""
    last = {entry.speaker: entry.id for entry in sorted(entries, key=lambda each: _rank(each.id, seed))}
    return set(last.values())


def _rank(name: str, seed: int) -> bytes:
    return hashlib.sha256(f"{seed}:{name}".encode()).digest()


def _lines(entries: Sequence[Entry]) -> str:
    """With the column of speakers where there are any, or a bar in a text would be taken for it."""
    column = any(entry.speaker or "|" in entry.text for entry in entries)
    return "".join(
        f"{entry.audio}|{' '.join(entry.text.split())}{f'|{entry.speaker}' if column else ''}\n"
        for entry in entries
    )


def _require_enough(corpus: Corpus, splits: dict[str, list[Entry]], rejected: Sequence[Rejection]) -> None:
    """DataError where a list would be too short; a split made here never has one of several."""
    held_out = (len(splits[split]) >= FEWEST_HELD_OUT for split in ("validation", "test"))
    if corpus.num_clips >= FEWEST_CLIPS and all(held_out):
        return
    whole = corpus.num_clips + len(rejected)
    why = f" ({counted(rejected)}); all reasons: {corpus.rejected_file}" if rejected else ""
    first = f"\nthe first: {rejected[0].place}: {rejected[0].reason}" if rejected else ""
    found = f"only {corpus.num_clips}" if corpus.num_clips else "none"
    needed = f"{FEWEST_CLIPS} are needed at least, {FEWEST_HELD_OUT} of them in each held-out list"
    advised = "".join(f"\n{each}" for each in corpus.advice)
    raise DataError(
        f"{corpus.folder}, taken as {corpus.layout}: {found} of {whole} clips can be used, and "
        f"{needed}{why}{first}{advised}"
    )


def _write(path: Path, content: str) -> None:
    write_atomically(path, content.encode())
