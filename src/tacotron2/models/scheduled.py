"""Scheduled teacher forcing: some steps read what the decoder said itself.

Source: Bengio et al. 2015, arXiv 1506.03099. No step is known before the one in front of it has ended:
there is no fast path.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from tacotron2.models.decoder_state import DecoderMasks, DecoderState, Memory

if TYPE_CHECKING:
    from tacotron2.models.decoder import Decoder


def forced_steps(batch: int, steps: int, share: float, device: torch.device) -> Tensor:
    """`(B, T_dec)`, true where the recording is read: with probability `share`, and always at first."""
    forced = torch.rand(batch, steps, device=device).lt(share)
    forced[:, 0] = True
    return forced


def partly_forced_steps(
    decoder: Decoder, frames: Tensor, state: DecoderState, memory: Memory, masks: DecoderMasks
) -> tuple[Tensor, Tensor, DecoderState]:
    """`Decoder.steps` one after the other; `masks.forced` says which read the recording.

    No gradient goes back through what is read (section 2.4 of the paper).
    """
    assert masks.forced is not None
    features, alignments = [], []
    for index, recorded in enumerate(frames.unbind(1)):
        said = _last_said(decoder, state).to(recorded.dtype)
        frame = torch.where(masks.forced[:, index, None], recorded, said)
        spoken, state = decoder.advance(frame, state, memory, masks.at(index))
        features.append(spoken)
        alignments.append(state.history[:, 0])
    return torch.stack(features), torch.stack(alignments, dim=1), state


@torch.no_grad()
def _last_said(decoder: Decoder, state: DecoderState) -> Tensor:
    """`(B, num_read * num_mels)`, the last frames of the step that left this state."""
    features = torch.cat((state.decoder_hidden, state.context), dim=1)
    if decoder.projection is not None:
        features = decoder.projection(features)
    said: Tensor = decoder.mel_layer(features)
    return said[:, -decoder.num_read * decoder.num_mels :]
