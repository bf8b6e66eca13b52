"""Tacotron 2 (Shen et al. 2018, arXiv 1712.05884), one concept of the paper a module. Needs torch alone.

Shapes everywhere: `B` utterances, `T_text` symbols, `T_mel` frames, `T_dec` decoder steps (`T_mel / r`),
`num_mels` bands; batch first, time second; alignments `(B, T_dec, T_text)`. Convolutions transpose inside.
"""

from tacotron2.models.free_running import Voice
from tacotron2.models.tacotron2 import Synthesis, Tacotron2, TacotronOutput

__all__ = ["Synthesis", "Tacotron2", "TacotronOutput", "Voice"]
