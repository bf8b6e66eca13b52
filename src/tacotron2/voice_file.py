"""The container of a voice: a zip, or a folder, of plain files with their checksums.

`SHA256SUMS` lists every part, in the form that `sha256sum --check` reads. Nothing is unpacked: parts are read
into memory, by the names of that list alone, and a name cannot lead out of the container. Standard library
only.
"""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

from tacotron2.files import write_atomically

SUMS = "SHA256SUMS"
LARGEST_BYTES = 2**30
"""Of all parts together, unpacked; the largest model of the defaults takes about a tenth of that."""
LARGEST_LIST_BYTES = 2**16
_PART = re.compile(r"(?:[A-Za-z0-9][A-Za-z0-9_.-]*/)?[A-Za-z0-9][A-Za-z0-9_.-]*")
_LINE = re.compile(r"([0-9a-f]{64}) [ *](.+)")

ReadPart = Callable[[str, int], bytes]
"""The content of a part by its name, of at most so many bytes."""


class VoiceError(ValueError):
    """A voice cannot be written or used; the message names the file, its part and what is wrong."""


def pack(path: Path, parts: Mapping[str, bytes]) -> None:
    """Writes the parts as one zip, whole or not at all; the same parts give the same bytes.

    They are stored as they are: weights do not become smaller, and the reader sees what it will get.
    """
    sums = "".join(f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in parts.items())
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in {SUMS: sums.encode(), **parts}.items():
            entry = zipfile.ZipInfo(name)  # of a fixed date
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content)
    write_atomically(path, buffer.getvalue())


def unpack(path: Path) -> dict[str, bytes]:
    """Name to content of every part, each verified against its checksum.

    Raises:
        VoiceError: not a container of this kind, damaged, a part is missing, or it is too large.
    """
    try:
        if path.is_dir():
            return _verified(path, _folder_reader(path))
        with zipfile.ZipFile(path) as archive:
            return _verified(path, _zip_reader(path, archive))
    except FileNotFoundError:
        raise VoiceError(f"{path}: no such voice") from None
    except OSError as error:
        raise VoiceError(f"{path}: cannot be read ({error.strerror or error})") from None
    except (zipfile.BadZipFile, NotImplementedError, UnicodeDecodeError, ValueError) as error:
        if isinstance(error, VoiceError):
            raise
        raise VoiceError(f"{path}: not a voice, or damaged: it cannot be read as a zip ({error})") from None


def _verified(path: Path, read: ReadPart) -> dict[str, bytes]:
    try:
        listed = read(SUMS, LARGEST_LIST_BYTES)
    except KeyError:
        raise VoiceError(
            f"{path}: not a voice: no {SUMS} at its top; `smart-tuner bundle` writes voices"
        ) from None
    parts: dict[str, bytes] = {}
    left = LARGEST_BYTES
    for name, expected in _sums(path, listed).items():
        try:
            content = read(name, left)
        except KeyError:
            raise VoiceError(f"{path}: {name} is missing, {SUMS} lists it") from None
        if hashlib.sha256(content).hexdigest() != expected:
            raise VoiceError(f"{path}: {name} is damaged: its checksum is not the one in {SUMS}")
        parts[name] = content
        left -= len(content)
    return parts


def _sums(path: Path, listed: bytes) -> dict[str, str]:
    """Name to SHA-256 of the parts."""
    sums: dict[str, str] = {}
    for number, line in enumerate(listed.decode("utf-8", errors="replace").splitlines(), 1):
        match = _LINE.fullmatch(line)
        if match is None or match[2] in (*sums, SUMS):
            raise VoiceError(f"{path}: {SUMS} is damaged in line {number}")
        if not _PART.fullmatch(match[2]):
            raise VoiceError(f"{path}: {SUMS}, line {number}: {match[2]!r} is no name of a part of a voice")
        sums[match[2]] = match[1]
    return sums


def _folder_reader(folder: Path) -> ReadPart:
    root = folder.resolve()

    def read(name: str, most: int) -> bytes:
        file = (root / name).resolve()
        if not file.is_relative_to(root):
            raise VoiceError(f"{folder}: {name} is a link that leads out of the voice")
        if not file.is_file():
            raise KeyError(name)
        _refuse_too_large(folder, name, file.stat().st_size, most)
        return file.read_bytes()

    return read


def _zip_reader(path: Path, archive: zipfile.ZipFile) -> ReadPart:
    def read(name: str, most: int) -> bytes:
        entry = archive.getinfo(name)
        # The size the zip claims bounds what is unpacked, so a wrong claim is a damaged part.
        _refuse_too_large(path, name, entry.file_size, most)
        if entry.flag_bits & 1 or entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise VoiceError(f"{path}: {name} is encrypted, or packed in a way that no voice is")
        try:
            return archive.read(entry)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
            raise VoiceError(f"{path}: {name} is damaged ({error})") from None

    return read


def _refuse_too_large(path: Path, name: str, size: int, most: int) -> None:
    if size > most:
        raise VoiceError(f"{path}: {name} takes {size:,} bytes, a voice has at most {LARGEST_BYTES:,}")
