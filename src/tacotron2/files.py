"""Files that are either whole or absent. Standard library only."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


class StorageError(OSError):
    """A file cannot be written (disk full, read-only, no permission); the message names it and says why."""


def write_atomically(path: Path, content: bytes) -> None:
    """All of it or nothing, also when the power fails.

    A temporary file in the same folder: flush, fsync, rename, fsync the folder.

    Raises:
        StorageError: it cannot be written; a file that was there before is as it was.
    """
    try:
        _write(path, content)
    except OSError as error:
        raise not_written(path, error) from error


def not_written(path: Path, error: OSError) -> StorageError:
    """The same failure in words that name the file; a temporary name would tell nobody anything."""
    return StorageError(f"{path}: cannot be written ({error.strerror or error})")


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)  # mkstemp makes it readable by its owner alone
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
