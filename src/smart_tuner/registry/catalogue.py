"""What is registered: voices, their versions in order, and how a person names one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from smart_tuner.messages import Message, RegistryPhrase
from smart_tuner.registry.contents import damage
from smart_tuner.registry.errors import RegistryError
from smart_tuner.registry.facts import Facts
from smart_tuner.registry.ranking import Entry, ranked

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

BEST, PRODUCTION = "best", "production"
FOLDER_TAG, SUM_TAG = "folder", "sha256"
"""Tags of a version beside its facts: its folder's name, the SHA-256 of its list of checksums."""


@dataclass(frozen=True)
class Version:
    """One registered voice."""

    voice: str
    number: int
    aliases: tuple[str, ...]
    folder: Path
    facts: Facts
    manifest_sha256: str

    @property
    def name(self) -> str:
        return f"{self.voice}/{self.number}"

    @property
    def entry(self) -> Entry:
        facts = self.facts
        return Entry(self.number, facts.run, not facts.failed, facts.r, facts.quality)

    def damage(self) -> tuple[Message, ...]:
        """What is damaged or missing of its files."""
        return damage(self.folder, self.manifest_sha256)


class Catalogue:
    """Reads MLflow's store; versions that somebody else made in it are left alone."""

    def __init__(self, client: MlflowClient, home: Path) -> None:
        self._client = client
        self._home = home

    def voices(self) -> list[str]:
        """The names of the registered voices."""
        if not self._home.is_dir():
            return []
        return sorted(path.name for path in self._home.iterdir() if path.is_dir())

    def versions(self) -> list[Version]:
        """Those of all voices."""
        return [version for voice in self.voices() for version in self.of_voice(voice)]

    def find(self, text: str) -> Version:
        """The version that `3`, `best`, `VOICE/3` or `VOICE@best` names; the short forms where one voice is.

        Raises:
            RegistryError: there is none, or the voice must be named too.
        """
        separator = "/" if "/" in text else "@"
        voice, _, wanted = text.rpartition(separator)
        known = self.voices()
        if not voice and len(known) > 1:
            raise RegistryError(RegistryPhrase.WHICH_VOICE(wanted=wanted, voices=", ".join(known)))
        versions = self.of_voice(voice) if voice in known else [] if voice else self.versions()
        for version in versions:
            if wanted in (str(version.number), *version.aliases):
                return version
        there = ", ".join(
            each for version in versions or self.versions() for each in (version.name, *_named(version))
        )
        if not there:
            raise RegistryError(RegistryPhrase.NOTHING_REGISTERED())
        raise RegistryError(RegistryPhrase.NO_SUCH_VERSION(wanted=text, there=there))

    def of_voice(self, voice: str) -> list[Version]:
        """The best first, at the end those without a place."""
        aliases = self.aliases(voice)
        found = [
            version
            for each in self._client.search_model_versions(f"name='{voice}'")
            if (version := self._version(each, aliases)) is not None
        ]
        order = [entry.number for entry in ranked(usable(found))]
        return sorted(
            found,
            key=lambda each: (order.index(each.number) if each.number in order else len(order), -each.number),
        )

    def _version(self, found: ModelVersion, aliases: Mapping[str, int]) -> Version | None:
        """None for a version that somebody else made."""
        tags, number = found.tags, int(found.version)
        try:
            facts, folder, sums = Facts.from_tags(tags), tags[FOLDER_TAG], tags[SUM_TAG]
        except (KeyError, ValueError):
            return None
        named = tuple(sorted(alias for alias, target in aliases.items() if target == number))
        return Version(found.name, number, named, self._home / found.name / folder, facts, sums)

    def aliases(self, voice: str) -> dict[str, int]:
        """Alias to number."""
        found = self._client.search_registered_models(f"name='{voice}'", max_results=1)
        return {alias: int(number) for each in found for alias, number in each.aliases.items()}


def usable(versions: Sequence[Version]) -> list[Entry]:
    """Those that have a folder: an alias must not name nothing."""
    return [version.entry for version in versions if version.folder.is_dir()]


def _named(version: Version) -> list[str]:
    return [f"{version.voice}@{alias}" for alias in version.aliases]
