"""A model of several speakers as a model of one of them."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tacotron2.models import Tacotron2
from tacotron2.models.decoder import Decoder


@torch.no_grad()
def of_one_speaker(model: Tacotron2, number: int) -> Tacotron2:
    """A model without speakers that begins about where this one stands for speaker `number`.

    What a speaker adds to the encoder's output, s, reaches the decoder through the context, whose weights sum
    to 1: W (c + s) = W c + W s, so that W s goes into the bias of each layer that reads it. Lost is what s
    does to the energies of attention, which have no bias, to a predicted style, and to the first step, whose
    context is 0.
    """
    if model.speaker_embedding is None:
        return model
    added = model.speaker_embedding.weight[number]
    single = Tacotron2(model.hparams.replace(n_speakers=1))
    names = single.state_dict().keys()
    single.load_state_dict({name: value for name, value in model.state_dict().items() if name in names})
    for decoder in (single.decoder, single.decoder_secondary):
        for weight, bias, before in [] if decoder is None else _readers(decoder):
            bias += weight[:, before : before + added.numel()] @ added
    return single.eval()


def _readers(decoder: Decoder) -> list[tuple[Tensor, Tensor, int]]:
    """Weight and bias of every layer that reads the context, and the width of what stands before it."""
    settings = decoder.settings
    attending, speaking = decoder.attention_rnn, decoder.decoder_rnn
    readers: list[tuple[Tensor, Tensor, int]] = [
        (attending.weight_ih, attending.bias_ih, settings.prenet_dim),
        (speaking.weight_ih, speaking.bias_ih, settings.attention_rnn_dim),
    ]
    for layer in (decoder.mel_layer, decoder.gate_layer, decoder.projection):
        if isinstance(layer, nn.Linear) and (layer is decoder.projection or decoder.projection is None):
            readers.append((layer.weight, layer.bias, settings.decoder_rnn_dim))
    return readers
