"""CUDA graphs: do they give what separate launches give, and how much faster are they?

The library makes no graphs: without a card nothing could be proven about them. Here its own decoder step and
a whole training step are recorded from outside, at fixed shapes, and compared with what they are without.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from statistics import median

import torch
from measuring import in_turn, ratio, size, table
from torch import Tensor
from train_step import Training

from gpu.card import Card, tf32
from tacotron2.models import Tacotron2, Voice
from tacotron2.models.free_running import _Speakers

WARM_UPS = 3
STEPS = 50
UPDATES = 3
SHAPE = (128, 100, 570)
"""Utterances, symbols and frames of a training step: LJ Speech's mean length."""
SYMBOLS = 60
TOLERANCE = 1e-4
"""Relative, of spectrograms and losses: the kernels are the same, but some add up in no fixed order."""


class Recorded:
    """A function of fixed buffers as a graph; a call replays it and gives its output, always the same tensor.

    The function runs a few times before, so whoever needs its state must set it anew.
    """

    def __init__(self, function: Callable[[], Tensor]) -> None:
        beside = torch.cuda.Stream()
        beside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(beside):
            for _ in range(WARM_UPS):
                function()
        torch.cuda.current_stream().wait_stream(beside)
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph):
            self.output = function()

    def __call__(self) -> Tensor:
        self.graph.replay()
        return self.output


class DecoderStep:
    """One step of free running over fixed buffers, one sentence, always with the same dropout; its frames."""

    def __init__(self, model: Tacotron2, symbols: int) -> None:
        device = model.mel_mean.device
        torch.manual_seed(1)
        text = torch.randint(1, 60, (1, symbols)).to(device)
        with torch.no_grad():
            memory = model.prepare_speech(text, torch.full((1,), symbols, device=device))
            self.voice, self.speakers = Voice(model.decoder), _Speakers(model.decoder, memory)
            self.masks = model.decoder.draw_masks(1, 1, memory.values, prenet=True).at(0)
        self.frame = self.speakers.frame

    @torch.no_grad()
    def __call__(self) -> Tensor:
        output = self.voice.step(self.speakers, self.masks)
        # The next step is to read the buffer that this one read.
        self.speakers.frame = self.frame.copy_(self.speakers.frame)
        return output.mel

    def begin(self) -> None:
        """Nothing said, nothing attended."""
        speakers = self.speakers
        for buffer in (self.frame, speakers.joined, speakers.history, *speakers.cells):
            buffer.zero_()


def several(step: Callable[[], Tensor]) -> Tensor:
    """STEPS outputs, one after the other."""
    return torch.stack([step().clone() for _ in range(STEPS)])


def compare_decoder_step(card: Card) -> list[object]:
    torch.manual_seed(0)
    step = DecoderStep(Tacotron2(size("tiny" if card.tiny else "28 M")).to(card.device).eval(), SYMBOLS)
    graph = Recorded(step)
    said = []
    for way in (step, graph):
        step.begin()
        said.append(several(way))
    seconds = in_turn(
        {"launches": partial(several, step), "graph": partial(several, graph)}, card.pairs, card.clock
    )
    per_step = [f"{median(each) / STEPS * 1e6:.1f} us" for each in seconds.values()]
    far = float((said[1] - said[0]).norm() / said[0].norm())
    return ["decoder step, batch 1", *per_step, ratio(*seconds.values()), far, ""]


@torch.no_grad()
def begin_again(training: Training, like: Training) -> None:
    """The weights of another training that has not begun, and an optimiser that has not begun."""
    training.model.load_state_dict(like.model.state_dict())
    for state in training.optimizer.state.values():
        for value in state.values():
            value.zero_()


def compare_training_step(card: Card, name: str, bf16: bool) -> list[object]:
    shape = (2, 6, 8) if card.tiny else SHAPE
    plain, recorded = (Training(size("tiny" if card.tiny else "28 M"), *shape, card.device) for _ in range(2))
    batch = plain.collate(plain.items).to(card.device)
    graph = Recorded(partial(recorded.update, batch, bf16=bf16))
    begin_again(recorded, plain)
    update, losses = partial(plain.update, batch, bf16=bf16), []
    for way in (update, graph):
        torch.manual_seed(1)
        losses.append(torch.stack([way().clone() for _ in range(UPDATES)]))
    seconds = in_turn({"launches": update, "graph": graph}, card.pairs, card.clock)
    per_step = [f"{median(each) * 1e3:.1f} ms" for each in seconds.values()]
    far = float((losses[1] - losses[0]).norm() / losses[0].norm())
    frames = f"{plain.frames / median(seconds['graph']):.0f}"
    return [f"training step, batch {shape[0]}, {name}", *per_step, ratio(*seconds.values()), far, frames]


def graphs(card: Card) -> list[str]:
    """Both steps; a step that cannot be recorded is an error that ends the part."""
    found = [compare_decoder_step(card)]
    for name, bf16 in (("TF32", False), ("bf16 and TF32", True)):
        if card.has_bf16 or not bf16:
            card.release()
            with tf32(True):
                found.append(compare_training_step(card, name, bf16))
    far = [float(str(row[4])) for row in found]
    rows = [[*row[:4], f"{distance:.1e}", row[5]] for row, distance in zip(found, far, strict=True)]
    head = ["recorded", "launches", "graph", "launches / graph", "relative distance", "frames/s"]
    table(head, rows, f"CUDA graphs; distance allowed: {TOLERANCE:.0e}")
    return [
        f"{row[0]}: a graph gives something else"
        for row, distance in zip(rows, far, strict=True)
        if not distance <= TOLERANCE
    ]
