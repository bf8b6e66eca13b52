"""Memory of a training step with and without gradient checkpointing, each measured in a process of its own.

    PYTHONPATH=src python benchmarks/memory.py --model '28 M'

`kept` is what the forward pass keeps for the backward pass (the parameters left out). `peak` is the most
memory the process had during three whole steps with AdamW, less what it had with the model alone: gradients
and the optimiser's state are in it, so that `an utterance`, the growth of the peak with the batch, is what
decides how large a batch may be.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time

import torch
import torch._dynamo  # checkpointing loads it at its first use; here it is not to count as activations
from measuring import arguments, begin, peak_mb, size, table

from tacotron2.counters import KeptBytes
from tacotron2.models import Tacotron2

STEPS = 3


def measure(options: argparse.Namespace) -> dict[str, float]:
    """In the child: MB kept, MB at the peak, seconds of the last step."""
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    hparams = size(options.model).replace(gradient_checkpointing=options.checkpointing)
    model = Tacotron2(hparams)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-6)
    text = torch.randint(1, 60, (options.batch, options.symbols))
    mel = torch.randn(options.batch, options.frames // model.r * model.r, hparams.audio.n_mel_channels)
    lengths = (torch.full((options.batch,), tensor.size(1)) for tensor in (text, mel))
    text_lengths, mel_lengths = lengths
    before, kept, seconds = peak_mb(), 0.0, 0.0
    for _ in range(STEPS):
        began = time.perf_counter()
        counter = KeptBytes(model)
        with counter:
            output = model(text, text_lengths, mel, mel_lengths)
            error = (output.mel_after - mel).square().mean() + (output.mel_before - mel).square().mean()
            loss = error + output.gate_logits.square().mean() + output.alignments.square().mean()
        kept = counter.bytes / 2**20
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        seconds = time.perf_counter() - began
    return {"kept": kept, "peak": peak_mb() - before, "seconds": seconds}


def in_child(options: argparse.Namespace, batch: int, checkpointing: bool) -> dict[str, float]:
    command = [sys.executable, __file__, "--child", "--model", options.model, "--batch", str(batch)]
    for name in ("threads", "symbols", "frames"):
        command += [f"--{name}", str(getattr(options, name))]
    command += ["--checkpointing"] if checkpointing else []
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def compare(options: argparse.Namespace) -> None:
    small, large = options.batch // 2, options.batch
    found = {
        (batch, again): in_child(options, batch, again) for batch in (small, large) for again in (False, True)
    }
    rows = []
    for batch in (small, large):
        for again in (False, True):
            one = found[batch, again]
            cells = [f"{one[name]:.0f}" for name in ("kept", "peak")]
            rows.append([f"{batch}, {'on' if again else 'off'}", *cells, f"{one['seconds']:.2f}"])
    title = f"{options.model}, {options.symbols} symbols, {options.frames} frames"
    table(["batch, checkpointing", "kept, MB", "peak, MB", "step, s"], rows, title)
    growth = [(found[large, x]["peak"] - found[small, x]["peak"]) / (large - small) for x in (False, True)]
    kept = found[large, False]["kept"] / found[large, True]["kept"]
    print(
        f"Kept: off / on **{kept:.1f} times**. An utterance: {growth[0]:.1f} MB off, {growth[1]:.1f} MB on."
    )


def main() -> None:
    parser = arguments(__doc__, batch=32, symbols=60, frames=200)
    parser.add_argument("--model", default="28 M", help="28 M, or a preset")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--checkpointing", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(measure(options)))
        return
    begin(options)
    if options.tiny:
        options.model, options.batch, options.symbols, options.frames = "tiny", 2, 6, 8
    compare(options)


if __name__ == "__main__":
    main()
