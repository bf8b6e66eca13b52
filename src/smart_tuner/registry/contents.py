"""What a version holds: the files of a run that its voice needs, with checksums.

```
tracking/mlartifacts/registry/VOICE/RUN-1a2b3c4d/
    SHA256SUMS          of every other file; its own is a tag of the version in MLflow
    version.json        the tags of the version
    run.yaml  events.jsonl  examination.json  summary.json
    checkpoints/best-STEP.ckpt, best-STEP.ckpt.json
    samples/            the attention map and the first sentences of the examination
```

So it is a small run folder: what takes one takes it too. Nothing here needs MLflow or torch.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

from smart_tuner.messages import Message, RegistryPhrase
from smart_tuner.records import write_atomically
from smart_tuner.registry.entrance import Candidate
from smart_tuner.registry.errors import RegistryError
from smart_tuner.registry.facts import Facts

MANIFEST = "SHA256SUMS"
TAGS_FILE = "version.json"
_CHUNK_BYTES = 2**20


def fill(folder: Path, wanted: Candidate) -> None:
    """Copies everything into a new folder; it is all on the disk at return.

    Raises:
        RegistryError: the weights are not those that the run wrote down.
        OSError: the disk is full, or a file went away.
    """
    folder.mkdir(parents=True)
    sums = {place: _copy(source, folder / place) for place, source in wanted.files.items()}
    weights = next(place for place in sums if place.endswith(".ckpt"))
    if sums[weights] != wanted.facts.weights_sha256:
        raise RegistryError(RegistryPhrase.RUN_DAMAGED(file=wanted.files[weights]))
    text = json.dumps(wanted.facts.to_tags(), ensure_ascii=False, indent=1) + "\n"
    write_atomically(folder / TAGS_FILE, text)
    sums[TAGS_FILE] = hashlib.sha256(text.encode()).hexdigest()
    write_atomically(folder / MANIFEST, "".join(f"{sums[place]}  {place}\n" for place in sorted(sums)))


def damage(folder: Path, manifest_sha256: str) -> tuple[Message, ...]:
    """What is damaged or missing; empty: every file is as it was registered."""
    manifest = folder / MANIFEST
    if not manifest.is_file():
        return (RegistryPhrase.FILE_MISSING(file=manifest if folder.is_dir() else folder),)
    if sha256_of(manifest) != manifest_sha256:
        return (RegistryPhrase.FILE_DAMAGED(file=manifest),)
    found = []
    for line in manifest.read_text(encoding="utf-8").splitlines():
        recorded, _, place = line.partition("  ")
        file = folder / place
        if not file.is_file():
            found.append(RegistryPhrase.FILE_MISSING(file=file))
        elif sha256_of(file) != recorded:
            found.append(RegistryPhrase.FILE_DAMAGED(file=file))
    return tuple(found)


def read_facts(folder: Path) -> Facts:
    """Raises OSError, ValueError, KeyError: `version.json` is missing or damaged."""
    return Facts.from_tags(json.loads((folder / TAGS_FILE).read_text(encoding="utf-8")))


def sha256_of(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _copy(source: Path, target: Path) -> str:
    """Its SHA-256, of the bytes that were written."""
    target.parent.mkdir(parents=True, exist_ok=True)
    sums = hashlib.sha256()
    with source.open("rb") as read, target.open("xb") as written:
        while chunk := read.read(_CHUNK_BYTES):
            sums.update(chunk)
            written.write(chunk)
        written.flush()
        os.fsync(written.fileno())
    return sums.hexdigest()
