"""A run at its end: its voice enters the registry where it is good enough. Nothing of it can fail the run."""

from __future__ import annotations

from smart_tuner.config import ConfigError
from smart_tuner.messages import CommandPhrase, Message, RegistryPhrase
from smart_tuner.progress import Output
from smart_tuner.registry.entrance import candidate
from smart_tuner.registry.errors import RegistryError
from smart_tuner.registry.settings import RegistrySettings
from smart_tuner.registry.store import open_registry
from smart_tuner.run_folder import RunError, RunFolder


def register_voice(run: RunFolder, settings: RegistrySettings, output: Output) -> None:
    """Register the voice that a run has left, and tell what came of it."""
    if not settings.registering:
        return
    try:
        output.say(add_run(run, settings))
    except (RegistryError, RunError) as error:
        told = RegistryPhrase.NOT_REGISTERED(reason=error.message, run=run.name)
        output.result(CommandPhrase.WARNING(message=told))
    except (ConfigError, ModuleNotFoundError) as error:
        told = RegistryPhrase.NOT_REGISTERED(reason=str(error), run=run.name)
        output.result(CommandPhrase.WARNING(message=told))


def add_run(run: RunFolder, settings: RegistrySettings) -> Message:
    """Register the best voice of a run; what came of it.

    Raises:
        RegistryError: it may not enter, or the registry cannot be used.
        RunError: the run has no voice yet, or one of its records cannot be read.
        ConfigError: its configuration cannot be read.
    """
    wanted = candidate(run, settings)
    with open_registry(run.root) as registry:
        added = registry.add(wanted)
    voice, place = added.voice, added.place or 0
    if added.version is None:
        return RegistryPhrase.VOICE_NOT_AMONG(voice=voice, place=place, keep=settings.keep_voices)
    phrase = RegistryPhrase.VOICE_REGISTERED if added.new else RegistryPhrase.VOICE_WAS_THERE
    return phrase(version=added.version.name, place=place, voice=voice)
