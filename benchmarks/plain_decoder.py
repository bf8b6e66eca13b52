"""Teacher forcing as it is usually published: a loop over two `nn.LSTMCell`s that appends to lists.

What the oracle `Decoder.decode_stepwise` is measured against: an oracle slower than this would make every
ratio look better than it is. It reads the weights of a `Decoder` and drops nothing but in the pre-net.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from tacotron2.models.attention import EXCLUDED
from tacotron2.models.decoder import Decoder, DecoderMasks, DecoderOutput, Memory


def decode_plainly(decoder: Decoder, memory: Memory, mel: Tensor, masks: DecoderMasks) -> DecoderOutput:
    """The same as `decoder.forward` where the LSTMs drop nothing."""
    batch, length, width = memory.values.shape
    zeros, layers = memory.values.new_zeros, decoder.attention
    hidden = cell = zeros(batch, decoder.settings.attention_rnn_dim)
    spoken = spoken_cell = zeros(batch, decoder.settings.decoder_rnn_dim)
    context, weights, summed = zeros(batch, width), zeros(batch, length), zeros(batch, length)
    heard = decoder.prenet(decoder.shifted(mel), masks.prenet)
    mels, gates, alignments = [], [], []
    for step in range(heard.size(1)):
        joined = torch.cat((heard[:, step], context), dim=-1)
        hidden, cell = decoder.attention_rnn(joined, (hidden, cell))
        history = torch.stack((weights, summed), dim=1)
        location = layers.location_layer(layers.location_convolution(history).transpose(1, 2))
        query = layers.query_layer(hidden).unsqueeze(1)
        energies = layers.v(torch.tanh(query + location + memory.processed)).squeeze(-1)
        weights = functional.softmax(energies.masked_fill(~memory.mask, EXCLUDED), dim=1)
        context = torch.bmm(weights.unsqueeze(1), memory.values).squeeze(1)
        summed = summed + weights
        spoken, spoken_cell = decoder.decoder_rnn(torch.cat((hidden, context), -1), (spoken, spoken_cell))
        features = torch.cat((spoken, context), dim=-1)
        mels.append(decoder.mel_layer(features))
        gates.append(decoder.gate_layer(features).squeeze(1))
        alignments.append(weights)
    frames = torch.stack(mels, dim=1).reshape(batch, -1, decoder.num_mels)
    return DecoderOutput(frames, torch.stack(gates, dim=1), torch.stack(alignments, dim=1))
