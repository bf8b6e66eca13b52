"""The registry in MLflow's store: the folders of versions are the truth, MLflow is made to agree with them.

A version is registered by putting its folder in its place, whole, and settling: what has a folder and no
number gets one, what is no longer among the best leaves, aliases move. So whatever a kill leaves, the next
command completes, and a store that was lost is filled again. One process at a time does it, under a lock.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from smart_tuner.messages import RegistryPhrase
from smart_tuner.mlflow_store import open_store, store_errors
from smart_tuner.quality_gate import check, judged_figures
from smart_tuner.records import write_atomically
from smart_tuner.registry.catalogue import BEST, FOLDER_TAG, PRODUCTION, SUM_TAG, Catalogue, Version, usable
from smart_tuner.registry.contents import MANIFEST, damage, fill, read_facts, sha256_of
from smart_tuner.registry.entrance import Candidate, short_hash
from smart_tuner.registry.errors import RegistryError
from smart_tuner.registry.ranking import Entry, place_of, ranked, superfluous
from smart_tuner.run_folder import RunFolder, tracking_root
from smart_tuner.tracking_store import TrackingStoreError, artifact_folder, database_path

if TYPE_CHECKING:
    from mlflow import MlflowClient

LOCK_TIMEOUT_S = 300.0
"""Copying the weights of others may take that long."""


@dataclass(frozen=True)
class Added:
    """What came of a registration: the version, new or not; None: too many are better."""

    voice: str
    version: Version | None
    place: int | None
    new: bool


def is_there(root: Path) -> bool:
    """Whether anything was ever registered, or tracked, in this folder of runs."""
    tracking = tracking_root(root)
    return database_path(tracking).is_file() or _home(tracking).is_dir()


@contextmanager
def open_registry(root: Path, lock_timeout_s: float = LOCK_TIMEOUT_S) -> Iterator[Registry]:
    """The registry of a folder of runs, for this process alone, settled.

    Raises:
        RegistryError: MLflow's store or the folder cannot be used; also out of the block.
    """
    tracking = tracking_root(root)
    try:
        with store_errors():
            client, _ = open_store(tracking)
            with FileLock(tracking / "registry.lock", timeout=lock_timeout_s):
                registry = Registry(client, _home(tracking))
                registry.settle()
                yield registry
    except TrackingStoreError as error:
        raise RegistryError(RegistryPhrase.REGISTRY_NOT_USABLE(folder=tracking, detail=str(error))) from None


class Registry(Catalogue):
    """What may be changed; `open_registry` makes it.

    Its methods raise what MLflow, SQLite and the disk raise, beside what they name.
    """

    def __init__(self, client: MlflowClient, home: Path) -> None:
        super().__init__(client, home)
        self.unclaimed: tuple[Path, ...] = ()
        """Folders without a version, too damaged to get one."""

    def add(self, wanted: Candidate) -> Added:
        """Register a voice where it is among the best; one that is there already is not doubled, but mended.

        Raises:
            RegistryError: its weights are not those that the run wrote down.
        """
        voice = self._voice_of(wanted)
        versions = self.of_voice(voice)
        for version in versions:
            if version.facts.weights_sha256 == wanted.facts.weights_sha256:
                if version.damage():
                    self._mend(version, wanted)
                return self._added(version.voice, version.folder.name, new=False)
        candidate = Entry(
            1 + max((version.number for version in versions), default=0),
            wanted.facts.run,
            not wanted.facts.failed,
            wanted.facts.r,
            wanted.facts.quality,
        )
        place = place_of(candidate, usable(versions))
        if place is None or place > wanted.facts.keep:
            return Added(voice, None, place, new=False)
        self._place(wanted, self._home / voice / wanted.folder_name)
        self._settle(voice)
        return self._added(voice, wanted.folder_name, new=True)

    def promote(self, version: Version, force: bool = False) -> None:
        """Make it the voice in production.

        Raises:
            RegistryError: its files are damaged, or its figures fail the gate and nobody forces it.
        """
        self.check(version)
        run = RunFolder(version.folder)
        judged = check(judged_figures(run).figures, run.config().gate)
        failed = ", ".join(each.name for each in judged if not each.passed)
        if failed and not force:
            raise RegistryError(RegistryPhrase.GATE_REFUSES(version=version.name, names=failed))
        write_atomically(self._production_file(version.voice), version.folder.name + "\n")
        self._settle(version.voice)

    def remove(self, version: Version, force: bool = False) -> None:
        """Delete it from MLflow, with its files; its run's folder is not touched.

        Raises:
            RegistryError: it is in production, and nobody forces it.
        """
        if PRODUCTION in version.aliases:
            if not force:
                raise RegistryError(RegistryPhrase.IN_PRODUCTION(version=version.name))
            self._production_file(version.voice).unlink(missing_ok=True)
        self._drop(version)
        self._settle(version.voice)

    def check(self, version: Version) -> None:
        """Raises RegistryError: a file of it is damaged or missing."""
        if found := version.damage():
            raise RegistryError(RegistryPhrase.NOT_AS_REGISTERED(version=version.name, found=found))

    def settle(self) -> None:
        """Make MLflow agree with the folders; complete what was broken off."""
        self.unclaimed = ()
        for voice in self.voices():
            self._settle(voice)

    def _settle(self, voice: str) -> None:
        home = self._home / voice
        for path in home.glob(".*"):
            if path.is_dir():
                shutil.rmtree(path)  # what a kill left
        versions = self.of_voice(voice)
        claimed = {version.folder.name for version in versions}
        if self._adopt(
            voice, [path for path in home.iterdir() if path.is_dir() and path.name not in claimed]
        ):
            versions = self.of_voice(voice)
        if standing := usable(versions):
            keep = max(versions, key=lambda version: version.number).facts.keep
            production = next(
                (each.number for each in versions if each.folder.name == self._produced(voice)), None
            )
            leaving = {entry.number for entry in superfluous(standing, keep, production)}
            for version in versions:
                if version.number in leaving:
                    self._drop(version)
            self._point(voice, BEST, ranked(standing)[0].number)
            if production is not None:
                self._point(voice, PRODUCTION, production)

    def _adopt(self, voice: str, folders: Sequence[Path]) -> bool:
        """Give folders their versions, in the order in which they came; False where none could be given."""
        whole = []
        for folder in folders:
            try:
                sums = sha256_of(folder / MANIFEST)
                if damage(folder, sums):
                    raise ValueError(folder)
                whole.append((read_facts(folder), sums, folder))
            except (OSError, ValueError, KeyError):
                self.unclaimed += (folder,)
        for facts, sums, folder in sorted(whole, key=lambda each: (each[0].registered, each[2].name)):
            self._model(voice)
            tags = facts.to_tags() | {FOLDER_TAG: folder.name, SUM_TAG: sums}
            source, run_id = folder.resolve().as_uri(), self._known_run(facts.mlflow_run)
            self._client.create_model_version(voice, source, run_id, tags=tags, await_creation_for=0)
        return bool(whole)

    def _model(self, voice: str) -> None:
        if not self._client.search_registered_models(f"name='{voice}'", max_results=1):
            self._client.create_registered_model(voice)

    def _known_run(self, run_id: str) -> str | None:
        """The run where this store has it: one moved here from elsewhere is tracked anew."""
        from mlflow.exceptions import MlflowException

        try:
            return str(self._client.get_run(run_id).info.run_id) if run_id else None
        except MlflowException:
            return None

    def _voice_of(self, wanted: Candidate) -> str:
        """Another corpus of the same name gets a name of its own: its figures are other figures."""
        others = {version.facts.corpus for version in self.of_voice(wanted.voice)}
        if wanted.named or not others or wanted.facts.corpus in others:
            return wanted.voice
        return f"{wanted.voice}-{short_hash(wanted.facts.corpus)}"

    def _place(self, wanted: Candidate, folder: Path) -> None:
        """The folder of a version, whole or not at all."""
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".new-") as temporary:
            fill(Path(temporary) / "new", wanted)
            if folder.exists():
                folder.rename(Path(temporary) / "old")
            (Path(temporary) / "new").rename(folder)
        _sync(folder.parent)

    def _mend(self, version: Version, wanted: Candidate) -> None:
        self._place(wanted, version.folder)
        tags = wanted.facts.to_tags() | {SUM_TAG: sha256_of(version.folder / MANIFEST)}
        for key, value in tags.items():
            self._client.set_model_version_tag(version.voice, str(version.number), key, value)
        self._settle(version.voice)

    def _drop(self, version: Version) -> None:
        # The version first: a kill in between leaves a folder, which the next command decides on again.
        self._client.delete_model_version(version.voice, str(version.number))
        if version.folder.is_dir():
            with tempfile.TemporaryDirectory(dir=version.folder.parent, prefix=".old-") as temporary:
                version.folder.rename(Path(temporary) / "old")

    def _added(self, voice: str, folder_name: str, new: bool) -> Added:
        versions = self.of_voice(voice)
        version = next(each for each in versions if each.folder.name == folder_name)
        return Added(voice, version, versions.index(version) + 1, new)

    def _point(self, voice: str, alias: str, number: int) -> None:
        if self.aliases(voice).get(alias) != number:
            self._client.set_registered_model_alias(voice, alias, str(number))

    def _production_file(self, voice: str) -> Path:
        return self._home / voice / "PRODUCTION"

    def _produced(self, voice: str) -> str:
        """The folder of the version in production; empty where there is none."""
        file = self._production_file(voice)
        return file.read_text(encoding="utf-8").strip() if file.is_file() else ""


def _home(tracking: Path) -> Path:
    return artifact_folder(tracking) / "registry"


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
