"""Vocoders: from log-mel spectrograms to samples."""

from tacotron2.vocoders.contract import Vocoder, VocoderError
from tacotron2.vocoders.opening import GRIFFIN_LIM, open_vocoder

__all__ = ["GRIFFIN_LIM", "Vocoder", "VocoderError", "open_vocoder"]
