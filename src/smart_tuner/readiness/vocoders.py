"""Whether the vocoder that is to speak at the end can be used: told before the training, not after it."""

from __future__ import annotations

from smart_tuner.messages import VocoderPhrase
from smart_tuner.readiness.scene import Scene
from smart_tuner.readiness.tick import Group, Status, Tick
from smart_tuner.second_vocoder import NONE, try_vocoder


def check_vocoder(scene: Scene) -> list[Tick]:
    """Opens it; nothing to check where Griffin-Lim speaks alone."""
    if scene.config.vocoder.vocoder == NONE:
        return []
    title, tried = VocoderPhrase.VOCODER_OPENS(), try_vocoder(scene.config, scene.environ)
    if tried.name is None:
        remedy = VocoderPhrase.VOCODER_MEND()
        return [Tick("vocoder", Group.SETTINGS, title, Status.FAILED, tried.problem, remedy)]
    return [Tick("vocoder", Group.SETTINGS, title, Status.PASSED, tried.name)]
