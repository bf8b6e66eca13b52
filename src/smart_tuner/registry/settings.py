"""The section `registry` of the configuration."""

from __future__ import annotations

from dataclasses import dataclass

from tacotron2.hparams import param


@dataclass(frozen=True)
class RegistrySettings:
    """Which voices of all runs are kept in MLflow's registry, beyond the life of their run folders."""

    registering: bool = param(True, "register the voice of a run that ended with an examined one")
    keep_voices: int = param(3, "versions kept of one registered voice, the best ones", ge=1, le=1000)
    voice_name: str = param(
        "", "what the registered voice is called; empty: after the folder of the recordings, or the demo"
    )
