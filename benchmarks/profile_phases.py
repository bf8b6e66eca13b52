"""Where the time of a training step goes, phase by phase, forward and backward.

    PYTHONPATH=src python benchmarks/profile_phases.py --model '28 M' --batch 16 --frames 200

The step is cut at the seams between the phases: each works on detached copies of what the one before gave, so
that its backward pass can be timed alone. The sum is a little more than an uncut step, which stands below.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from statistics import median

import torch
from measuring import Clock, arguments, begin, in_turn, peak_mb, size, table
from torch import Tensor
from torch.nn.utils import clip_grad_norm_
from train_step import Training

from tacotron2.models.decoder import DecoderMasks, Memory
from tacotron2.models.masking import length_mask
from tacotron2.models.tacotron2 import TacotronOutput


class Phases:
    """Runs functions one after the other, and their backward passes in reverse, on a clock."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.spent: dict[str, list[float]] = defaultdict(list)
        self.graph: list[tuple[str, tuple[Tensor, ...], tuple[Tensor, ...]]] = []

    def plain(self, name: str, function: Callable[[], object]) -> None:
        """Something without a backward pass."""
        began = self.clock()
        function()
        self.spent[name].append(self.clock() - began)

    def run(self, name: str, function: Callable[[], tuple[Tensor, ...]]) -> tuple[Tensor, ...]:
        """Outputs as leaves, which the next phases may read."""
        began = self.clock()
        outputs = function()
        self.spent[name].append(self.clock() - began)
        leaves = tuple(output.detach().requires_grad_() for output in outputs)
        self.graph.append((name, outputs, leaves))
        return leaves

    def backward(self) -> None:
        for name, outputs, leaves in reversed(self.graph):
            gradients = [torch.ones_like(x) if x.grad is None and not x.dim() else x.grad for x in leaves]
            chosen = [(x, g) for x, g in zip(outputs, gradients, strict=True) if g is not None]
            began = self.clock()
            torch.autograd.backward([x for x, _ in chosen], [g for _, g in chosen])
            self.spent[f"{name}, backward"].append(self.clock() - began)
        self.graph.clear()


def cut_step(training: Training, phases: Phases) -> None:
    """One training step in pieces."""
    model, decoder = training.model, training.model.decoder
    phases.plain("loading", lambda: training.collate(training.items))
    batch = training.collate(training.items)
    values, processed = phases.run("encoder", lambda: encode(training, batch.text, batch.text_lengths))
    memory = Memory(values, processed, length_mask(batch.text_lengths, values.size(1)))
    frames = decoder.shifted(model.normalise(batch.mel))
    state = decoder.initial_state(memory)
    drawn: list[DecoderMasks] = []
    draw = (len(batch.ids), frames.size(1), values, True)
    phases.plain("dropout masks", lambda: drawn.append(decoder.draw_masks(*draw)))
    masks = drawn[0]

    def attend() -> tuple[Tensor, ...]:
        prenet = decoder.prenet(frames, masks.prenet).transpose(0, 1)
        return decoder._attend(memory, prenet, masks, state)[:2]

    states, alignments = phases.run("pre-net and attention loop", attend)

    def project() -> tuple[Tensor, ...]:
        spoken, _, _ = decoder._decode(states, masks, state)
        features = torch.cat((spoken, states[:, :, decoder.settings.attention_rnn_dim :]), dim=2)
        mel = decoder.mel_layer(features).transpose(0, 1).reshape(len(batch.ids), -1, decoder.num_mels)
        return mel, decoder.gate_layer(features).squeeze(2).t()

    mel, gates = phases.run("rest of the decoder", project)
    mask = length_mask(batch.mel_lengths, mel.size(1))
    (residual,) = phases.run("post-net", lambda: (model.postnet(mel, mask),))

    def loss() -> tuple[Tensor, ...]:
        mels = model.denormalise(mel), model.denormalise(mel + residual)
        output = TacotronOutput(*mels, gates, alignments.transpose(0, 1))
        return (training.criterion(output, batch, 1.0).total,)

    phases.run("loss", loss)
    phases.backward()
    norm = training.hparams.train.grad_clip_thresh
    phases.plain("clipping", lambda: clip_grad_norm_(model.parameters(), norm))
    phases.plain("AdamW", lambda: (training.optimizer.step(), training.optimizer.zero_grad()))


def encode(training: Training, text: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
    values = training.model.encoder(training.model.embedding(text), lengths)
    return values, training.model.decoder.attention.process_memory(values)


def main() -> None:
    parser = arguments(__doc__, batch=16, symbols=60, frames=200)
    parser.add_argument("--model", default="28 M", help="28 M, or a preset")
    options = parser.parse_args()
    clock = begin(options)
    shape = (2, 6, 8) if options.tiny else (options.batch, options.symbols, options.frames)
    name = "tiny" if options.tiny else options.model
    training = Training(size(name), *shape)
    whole = median(in_turn({"whole": training.step}, options.pairs, clock)["whole"])
    cut_step(training, Phases(clock))
    phases = Phases(clock)
    for _ in range(options.pairs):
        cut_step(training, phases)
    spent = {phase: median(seconds) for phase, seconds in phases.spent.items()}
    total = sum(spent.values())
    rows = [[phase, f"{each * 1e3:.2f}", f"{each / total:.1%}"] for phase, each in spent.items()]
    rows.append(["sum", f"{total * 1e3:.2f}", "100.0%"])
    title = f"{name}, batch {shape[0]}, {shape[1]} symbols, {shape[2]} frames, float32"
    table(["phase", "ms", "share"], rows, title)
    print(f"The uncut step: {whole * 1e3:.1f} ms. Peak memory of the whole process: {peak_mb():.0f} MB")


if __name__ == "__main__":
    main()
