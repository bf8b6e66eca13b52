"""HiFi-GAN (Kong, Kim, Bae 2020): its generator, its published files, and its training."""

from tacotron2.vocoders.hifigan.config import VARIANTS, HifiGanConfig
from tacotron2.vocoders.hifigan.files import read_generator, write_hifigan
from tacotron2.vocoders.hifigan.generator import Generator
from tacotron2.vocoders.hifigan.speaking import HifiGan, read_hifigan

__all__ = [
    "VARIANTS",
    "Generator",
    "HifiGan",
    "HifiGanConfig",
    "read_generator",
    "read_hifigan",
    "write_hifigan",
]
