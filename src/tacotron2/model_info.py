"""What a model is made of and what a second of speech costs it. All of it is measured on the model itself."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from tacotron2.counters import KeptBytes, LiveBytes, MacCounter
from tacotron2.hparams import HParams
from tacotron2.losses import Tacotron2Loss, guided_attention_weight, heard_classes
from tacotron2.models import Tacotron2
from tacotron2.models.free_running import Voice
from tacotron2.models.masking import MaskedBatchNorm

UTTERANCES, SECONDS, SYMBOLS_PER_SECOND = 2, 3.0, 15
"""Of the batch that is measured: a reader's tempo (LJSpeech: 15.2 characters a second)."""
LEARNS_ABOVE = 1e-6
"""Share of the median of its module's tensors: what is below is rounding noise."""
NEVER = 0.999_999
"""A stop probability that an untrained model does not reach."""


@dataclass(frozen=True)
class ModuleInfo:
    """A part of the model, named after its attribute of `Tacotron2`.

    tensors of parameters: learning (those with a gradient), normalised (biases in front of a batch
    normalisation, which takes them away again), and the names of all others, without.
    """

    name: str
    parameters: int
    learning: int
    normalised: int
    without: tuple[str, ...]


@dataclass(frozen=True)
class Cost:
    """Of one second of speech: products that are added up (MACs), and bytes."""

    macs: float
    bytes: float


@dataclass(frozen=True)
class ModelInfo:
    """The parts, and the costs with the size of the batch they were measured on.

    training: forward and backward, and what is kept in between. synthesis: of one sentence, and the most that
    is alive at one time beside the weights. weights_bytes: what a file of weights holds; optimizer_bytes: the
    state of AdamW.
    """

    modules: tuple[ModuleInfo, ...]
    parameters: int
    normalised_parameters: int
    weights_bytes: int
    optimizer_bytes: int
    training: Cost
    synthesis: Cost
    utterances: int
    seconds: float
    symbols: int


@dataclass(frozen=True)
class Example:
    """A batch without padding, of as long utterances as the model's step allows; see `losses.Targets`."""

    text: Tensor
    text_lengths: Tensor
    mel: Tensor
    mel_lengths: Tensor
    gate: Tensor
    speakers: Tensor | None
    seconds: float
    """Of each utterance."""


def make_example(hparams: HParams, seconds: float) -> Example:
    """Letters at a reader's tempo, but at most half as many as decoder steps; noise for speech."""
    audio, r = hparams.audio, hparams.n_frames_per_step
    steps = max(2, round(seconds * audio.sampling_rate / audio.hop_length / r))
    frames = steps * r
    count = min(round(seconds * SYMBOLS_PER_SECOND), steps // 2)
    letters = heard_classes(hparams.n_symbols).nonzero()[:, 0]
    text = letters[torch.arange(UTTERANCES * count).view(UTTERANCES, count) % len(letters)]
    gate = torch.zeros(UTTERANCES, steps)
    gate[:, -1] = 1.0
    return Example(
        text=text,
        text_lengths=torch.full((UTTERANCES,), count),
        mel=torch.randn(UTTERANCES, frames, audio.n_mel_channels),
        mel_lengths=torch.full((UTTERANCES,), frames),
        gate=gate,
        speakers=torch.arange(UTTERANCES) if hparams.n_speakers > 1 else None,
        seconds=frames * audio.hop_length / audio.sampling_rate,
    )


def describe(hparams: HParams, seconds: float = SECONDS) -> ModelInfo:
    """Builds the model, on the CPU in float32, and measures it; random generators are left as they were.

    Args:
        seconds: length of the utterances that are measured; a reference encoder, which reads a 64th of the
            frames, needs more than one step to learn all it can.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(hparams.train.seed)
        model = Tacotron2(hparams.replace(gate_threshold=NEVER))
        example = make_example(hparams, seconds)
        normalised = before_batch_norm(model, example)
        training = _training_cost(model, example)
        optimizer = torch.optim.AdamW(model.parameters(), lr=0.0)
        optimizer.step()
        state = [value for each in optimizer.state.values() for value in each.values()]
        synthesis = _synthesis_cost(model, example)
    sizes = {name: parameter.numel() for name, parameter in model.named_parameters()}
    return ModelInfo(
        modules=tuple(_module_info(*child, normalised) for child in model.named_children()),
        parameters=sum(sizes.values()),
        normalised_parameters=sum(sizes[name] for name in normalised),
        weights_bytes=sum(tensor.nbytes for tensor in model.state_dict().values()),
        optimizer_bytes=sum(value.nbytes for value in state if isinstance(value, Tensor)),
        training=training,
        synthesis=synthesis,
        utterances=UTTERANCES,
        seconds=example.seconds,
        symbols=example.text.size(1),
    )


def _module_info(name: str, module: nn.Module, normalised: set[str]) -> ModuleInfo:
    parameters = {f"{name}.{inner}": parameter for inner, parameter in module.named_parameters()}
    largest = {
        full: 0.0 if parameter.grad is None else float(parameter.grad.abs().max())
        for full, parameter in parameters.items()
        if full not in normalised
    }
    bar = LEARNS_ABOVE * statistics.median(largest.values())
    without = tuple(full for full, value in largest.items() if value <= bar)
    return ModuleInfo(
        name=name,
        parameters=sum(parameter.numel() for parameter in parameters.values()),
        learning=len(largest) - len(without),
        normalised=len(parameters) - len(largest),
        without=without,
    )


def before_batch_norm(model: Tacotron2, example: Example) -> set[str]:
    """Names of the biases of layers whose output was seen to go straight into a batch normalisation."""
    found: set[str] = set()
    last_output = ("", 0)

    def after_layer(name: str) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], None]:
        def hook(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
            nonlocal last_output
            last_output = (f"{name}.bias", output.untyped_storage().data_ptr())

        return hook

    def before_norm(norm: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        if inputs[0].untyped_storage().data_ptr() == last_output[1]:
            found.add(last_output[0])

    hooks = []
    for name, module in model.named_modules():
        if isinstance(module, MaskedBatchNorm):
            hooks.append(module.register_forward_pre_hook(before_norm))
        elif isinstance(module, nn.Conv1d | nn.Conv2d | nn.Linear):
            hooks.append(module.register_forward_hook(after_layer(name)))
    _loss(model, example)
    for handle in hooks:
        handle.remove()
    return found & set(dict(model.named_parameters()))


def _loss(model: Tacotron2, example: Example) -> Tensor:
    """What the first training step minimises."""
    output = model(example.text, example.text_lengths, example.mel, example.mel_lengths, example.speakers)
    weight = guided_attention_weight(model.hparams.loss, 0)
    return Tacotron2Loss(model.hparams)(output, example, weight).total


def _training_cost(model: Tacotron2, example: Example) -> Cost:
    """Forward and backward twice: for the products, as they are counted, and for the bytes, as training
    computes. The parameters are left with the gradients."""
    seconds = UTTERANCES * example.seconds
    with MacCounter() as counter:
        _loss(model, example).backward()
    model.zero_grad()
    kept = KeptBytes(model)
    with kept:
        loss = _loss(model, example)
    loss.backward()
    return Cost(counter.macs / seconds, kept.bytes / seconds)


def _synthesis_cost(model: Tacotron2, example: Example) -> Cost:
    """One sentence of the example's length, its voice made before."""
    model.eval()
    text, lengths, speakers = example.text[:1], example.text_lengths[:1], example.speakers
    with MacCounter() as counter:
        voice = Voice(model.decoder)
        prepared = counter.macs
        with LiveBytes() as live:
            model.infer(
                text,
                lengths,
                max_steps=example.gate.size(1),
                voice=voice,
                speakers=None if speakers is None else speakers[:1],
            )
        spoken = counter.macs - prepared
    return Cost(spoken / example.seconds, live.most / example.seconds)
