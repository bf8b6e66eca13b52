"""Weights from and to the widely used published Tacotron 2 checkpoints, and a warm start from what fits.

Those files hold the same tensors under other names, in `state_dict`. They know no spectrogram statistics: a
model takes their weights with the identity (mean 0, deviation 1), and can be written back only with it.
"""

from __future__ import annotations

import io
import pickle
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from tacotron2.checkpoint import CheckpointError, with_one_r
from tacotron2.files import write_atomically
from tacotron2.hparams import HParams, HParamsError, from_dict
from tacotron2.models import Tacotron2
from tacotron2.text.symbols import SYMBOLS

CAPITALS = ("",) * 26
"""Rows that no text of ours can reach: it is lower case, and S and E are markers in it."""
PUBLISHED_SYMBOLS: tuple[str, ...] = (*"_-!'(),.:;? ", *CAPITALS, *"abcdefghijklmnopqrstuvwxyz")
"""What the first rows of a published embedding stand for; behind them are phonemes."""
NEAREST = {"ß": "s", "\u02b9": "'", '"': "'"}
"""Symbols whose nearest one does not follow from taking an accent off."""

_PLAIN = {"use_gst": False, "use_mmi": False, "use_ddc": False}
_STATISTICS = ("mel_mean", "mel_std")
_RENAMED = (
    (r"\.convolutions\.(\d+)\.convolution\.", r".convolutions.\1.0.conv."),
    (r"\.convolutions\.(\d+)\.norm\.", r".convolutions.\1.1."),
    (r"encoder\.forward_lstm\.(\w+)", r"encoder.lstm.\1"),
    (r"encoder\.backward_lstm\.(\w+)", r"encoder.lstm.\1_reverse"),
    (r"(decoder\.prenet\.layers\.\d+)\.", r"\1.linear_layer."),
    (r"attention\.location_convolution\.", "attention_layer.location_layer.location_conv.conv."),
    (r"attention\.location_layer\.", "attention_layer.location_layer.location_dense.linear_layer."),
    (r"attention\.(query_layer|memory_layer|v)\.", r"attention_layer.\1.linear_layer."),
    (r"decoder\.mel_layer\.", "decoder.linear_projection.linear_layer."),
    (r"decoder\.gate_layer\.", "decoder.gate_layer.linear_layer."),
)


def published_name(name: str) -> str:
    """Our name of a plain model's tensor to the one in published checkpoints."""
    for pattern, replacement in _RENAMED:
        name, count = re.subn(pattern, replacement, name)
        if count:
            break
    return name


def read_published(path: Path) -> Tacotron2:
    """The plain model of a published checkpoint, of whatever sizes it has, in evaluation mode.

    Raises:
        CheckpointError: missing, not loadable without running code, or not such a model; the message names
            the file and the first tensor that does not fit.
    """
    weights = _tensors(path)
    try:
        model = Tacotron2(_settings({name: tuple(value.shape) for name, value in weights.items()}))
    except KeyError as error:
        raise CheckpointError(f"{path}: not a Tacotron 2 of the published form, no {error.args[0]}") from None
    except (HParamsError, IndexError, ValueError) as error:
        raise CheckpointError(f"{path}: its sizes are not those of a Tacotron 2 ({error})") from None
    expected = {published_name(name): name for name in model.state_dict() if name not in _STATISTICS}
    for name in sorted(expected.keys() ^ weights.keys()):
        # Old files do not count the batches; nothing is made of the count.
        if not (name in expected and name.endswith("num_batches_tracked")):
            what = "lacks" if name in expected else "holds, beside what such a model has,"
            raise CheckpointError(f"{path}: {what} {name}")
    try:
        model.load_state_dict({expected[name]: value for name, value in weights.items()}, strict=False)
    except RuntimeError as error:
        raise CheckpointError(f"{path}: {' '.join(str(error).split())}") from None
    return model.eval()


def write_published(path: Path, model: Tacotron2) -> None:
    """Writes a plain model under the published names.

    Raises:
        CheckpointError: the model has parts, or spectrogram statistics, that such a file cannot hold.
    """
    model = with_one_r(model)
    settings = model.hparams.model
    problems = [f"model.{name}=True" for name in _PLAIN if getattr(settings, name)]
    problems += [
        f"model.{name}={getattr(settings, name)}"
        for name, plain in (("attention", "location-sensitive"), ("n_speakers", 1), ("n_frames_per_step", 1))
        if getattr(settings, name) != plain
    ]
    if bool((model.mel_mean != 0).any()) or bool((model.mel_std != 1).any()):
        problems.append("spectrogram statistics")
    if problems:
        raise CheckpointError(f"{path}: a published checkpoint has no place for {', '.join(problems)}")
    weights = {
        published_name(name): value.cpu()
        for name, value in model.state_dict().items()
        if name not in _STATISTICS
    }
    buffer = io.BytesIO()
    torch.save({"iteration": 0, "state_dict": weights}, buffer)
    write_atomically(path, buffer.getvalue())


def _tensors(path: Path) -> dict[str, Tensor]:
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise CheckpointError(f"{path}: no such checkpoint file") from None
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError, ValueError) as error:
        reason = (str(error).splitlines() or ["unreadable"])[0]
        raise CheckpointError(f"{path}: cannot be loaded without running code in it ({reason})") from None
    found = content.get("state_dict", content) if isinstance(content, dict) else {}
    weights = {
        str(name).removeprefix("module."): value for name, value in found.items() if isinstance(value, Tensor)
    }
    if not weights:
        raise CheckpointError(f"{path}: holds no weights")
    return weights


def _settings(shapes: Mapping[str, tuple[int, ...]]) -> HParams:
    """The hyper-parameters that follow from the shapes."""
    n_symbols, embedding_dim = shapes["embedding.weight"]
    prenet_dim, num_mels = shapes["decoder.prenet.layers.0.linear_layer.weight"]
    filters, _, location_kernel = shapes["decoder.attention_layer.location_layer.location_conv.conv.weight"]
    width, _, encoder_kernel = shapes["encoder.convolutions.0.0.conv.weight"]
    postnet_dim, _, postnet_kernel = shapes["postnet.convolutions.0.0.conv.weight"]

    def count(part: str) -> int:
        return sum(
            bool(re.fullmatch(rf"{part}\.convolutions\.\d+\.0\.conv\.weight", name)) for name in shapes
        )

    return from_dict(
        {
            "audio": {"n_mel_channels": num_mels},
            "model": {
                **_PLAIN,
                "drop_frame_rate": 0.0,
                "n_symbols": n_symbols,
                "symbols_embedding_dim": embedding_dim,
                "encoder_embedding_dim": width,
                "encoder_kernel_size": encoder_kernel,
                "encoder_n_convolutions": count("encoder"),
                "prenet_dim": prenet_dim,
                "attention_rnn_dim": shapes["decoder.attention_rnn.weight_hh"][1],
                "attention_dim": shapes["decoder.attention_layer.query_layer.linear_layer.weight"][0],
                "attention_location_n_filters": filters,
                "attention_location_kernel_size": location_kernel,
                "decoder_rnn_dim": shapes["decoder.decoder_rnn.weight_hh"][1],
                "postnet_embedding_dim": postnet_dim,
                "postnet_kernel_size": postnet_kernel,
                "postnet_n_convolutions": count("postnet"),
            },
        }
    )


@dataclass(frozen=True)
class WarmStartRow:
    """What became of one tensor: outcome is loaded, partly or skipped, and why in words."""

    name: str
    outcome: str
    why: str


def nearest_symbol(symbol: str, known: Sequence[str]) -> str | None:
    """The symbol itself where it is known, else the one it is a variant of; None where there is none."""
    base = NEAREST.get(symbol) or unicodedata.normalize("NFD", symbol)[0]
    return next((candidate for candidate in (symbol, base) if candidate in known), None)


@torch.no_grad()
def warm_start(
    model: Tacotron2, weights: Mapping[str, Tensor], symbols: Sequence[str] = SYMBOLS
) -> list[WarmStartRow]:
    """Takes over what fits, spectrogram statistics included, and leaves the rest as it is.

    Args:
        model: changed in place.
        weights: `state_dict()` of another model of ours, from `load_model` or `read_published`.
        symbols: what the rows of its embedding stand for. A symbol of ours that it lacks starts from its
            nearest one: a letter with an accent from the bare letter.

    Returns:
        a row for every tensor of the model, then one for each of the weights that it has no place for.
    """
    rows = []
    for name, own in model.state_dict().items():
        given = weights.get(name)
        if given is None:
            rows.append(WarmStartRow(name, "skipped", "not among the weights"))
        elif name == "embedding.weight" and given.shape[1:] == own.shape[1:]:
            rows.append(_take_symbols(own, given, symbols))
        elif given.shape != own.shape:
            shapes = f"{tuple(given.shape)} there, {tuple(own.shape)} here"
            rows.append(WarmStartRow(name, "skipped", f"another shape: {shapes}"))
        else:
            own.copy_(given)
            rows.append(WarmStartRow(name, "loaded", "same name and shape"))
    known = {row.name for row in rows}
    rows += [WarmStartRow(name, "skipped", "not in this model") for name in weights if name not in known]
    return rows


def _take_symbols(own: Tensor, given: Tensor, symbols: Sequence[str]) -> WarmStartRow:
    known = [symbol for symbol, _ in zip(symbols, given, strict=False)]
    borrowed, new = [], []
    for row, symbol in enumerate(SYMBOLS):
        source = nearest_symbol(symbol, known)
        if source is None:
            new.append(symbol)
            continue
        own[row] = given[known.index(source)]
        if source != symbol:
            borrowed.append(f"{symbol} from {source}")
    if not borrowed and not new:
        return WarmStartRow("embedding.weight", "loaded", "the same symbols")
    parts = [", ".join(borrowed)] if borrowed else []
    parts += [f"not known there: {' '.join(new)}"] if new else []
    return WarmStartRow("embedding.weight", "partly", "; ".join(parts))
