"""Published checkpoints: the outputs they have elsewhere, there and back, and nothing executed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from tacotron2.checkpoint import CheckpointError
from tacotron2.hparams import create_hparams
from tacotron2.interchange import (
    PUBLISHED_SYMBOLS,
    published_name,
    read_published,
    warm_start,
    write_published,
)
from tacotron2.models import Tacotron2
from tacotron2.text import SYMBOLS

PLAIN = "use_gst=False,use_mmi=False,use_ddc=False,drop_frame_rate=0,"
SMALL = PLAIN + (
    "n_symbols=148,n_mel_channels=20,symbols_embedding_dim=12,encoder_embedding_dim=16,encoder_n_convolutions=2,"
    "prenet_dim=8,attention_rnn_dim=20,attention_dim=8,attention_location_n_filters=4,decoder_rnn_dim=18,"
    "attention_location_kernel_size=5,postnet_embedding_dim=10,postnet_n_convolutions=3,"
)
Weights = dict[str, Tensor]


def small_model(seed: int = 0, overrides: str = "") -> Tacotron2:
    """Random weights, batch statistics included."""
    torch.manual_seed(seed)
    model = Tacotron2(create_hparams(SMALL + overrides)).eval()
    for name, value in model.state_dict().items():
        if name.endswith("running_var"):
            value.uniform_(0.5, 2.0)
        elif name.endswith("running_mean"):
            value.normal_()
    return model


def lstm(
    w: Weights, name: str, x: Tensor, state: tuple[Tensor, Tensor], tail: str = ""
) -> tuple[Tensor, Tensor]:
    gates = x @ w[f"{name}weight_ih{tail}"].T + w[f"{name}bias_ih{tail}"]
    gates = gates + state[0] @ w[f"{name}weight_hh{tail}"].T + w[f"{name}bias_hh{tail}"]
    enter, keep, candidate, out = gates.chunk(4)
    cell = keep.sigmoid() * state[1] + enter.sigmoid() * candidate.tanh()
    return out.sigmoid() * cell.tanh(), cell


def convolved(w: Weights, part: str, x: Tensor, index: int) -> Tensor:
    name = f"{part}.convolutions.{index}"
    weight = w[f"{name}.0.conv.weight"]
    x = functional.conv1d(x[None], weight, w[f"{name}.0.conv.bias"], padding=weight.size(2) // 2)[0]
    mean, var = w[f"{name}.1.running_mean"], w[f"{name}.1.running_var"]
    x = (x - mean[:, None]) / torch.sqrt(var[:, None] + 1e-5)
    return x * w[f"{name}.1.weight"][:, None] + w[f"{name}.1.bias"][:, None]


def published_forward(w: Weights, text: Tensor, mel: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The published computation without dropout: one sentence `(T_text,)`, its frames `(T, num_mels)`."""
    x = w["embedding.weight"][text].T
    for index in range(2):
        x = convolved(w, "encoder", x, index).relu()
    sides = []
    for tail, steps in (("_l0", x.T), ("_l0_reverse", x.T.flip(0))):
        state, outputs = (torch.zeros(8), torch.zeros(8)), []
        for step in steps:
            state = lstm(w, "encoder.lstm.", step, state, tail)
            outputs.append(state[0])
        sides.append(torch.stack(outputs))
    memory = torch.cat((sides[0], sides[1].flip(0)), 1)
    a = "decoder.attention_layer."
    processed = memory @ w[a + "memory_layer.linear_layer.weight"].T
    weights, summed, context = torch.zeros(len(text)), torch.zeros(len(text)), torch.zeros(16)
    attending, speaking = (torch.zeros(20), torch.zeros(20)), (torch.zeros(18), torch.zeros(18))
    frames, stops, alignments = [], [], []
    for frame in torch.cat((torch.zeros(1, 20), mel[:-1])):
        for layer in range(2):
            frame = (w[f"decoder.prenet.layers.{layer}.linear_layer.weight"] @ frame).relu()
        attending = lstm(w, "decoder.attention_rnn.", torch.cat((frame, context)), attending)
        kernel = w[a + "location_layer.location_conv.conv.weight"]
        where = functional.conv1d(torch.stack((weights, summed))[None], kernel, padding=2)[0].T
        place = where @ w[a + "location_layer.location_dense.linear_layer.weight"].T
        query = w[a + "query_layer.linear_layer.weight"] @ attending[0]
        energies = torch.tanh(query + place + processed) @ w[a + "v.linear_layer.weight"][0]
        weights = torch.softmax(energies, 0)
        summed, context = summed + weights, weights @ memory
        speaking = lstm(w, "decoder.decoder_rnn.", torch.cat((attending[0], context)), speaking)
        heard = torch.cat((speaking[0], context))
        name = "decoder.linear_projection.linear_layer."
        frames.append(w[name + "weight"] @ heard + w[name + "bias"])
        name = "decoder.gate_layer.linear_layer."
        stops.append(w[name + "weight"] @ heard + w[name + "bias"])
        alignments.append(weights)
    spoken = torch.stack(frames)
    residual = spoken.T
    for index in range(3):
        residual = convolved(w, "postnet", residual, index)
        residual = residual.tanh() if index < 2 else residual
    return spoken + residual.T, torch.cat(stops), torch.stack(alignments)


def test_a_published_checkpoint_computes_what_it_computes_there(tmp_path: Path) -> None:
    path = tmp_path / "published.pt"
    write_published(path, small_model())
    weights: Weights = torch.load(path, weights_only=True)["state_dict"]
    # As such files come: of a distributed training, with other things beside, not counting batches.
    wrapped = {f"module.{k}": v for k, v in weights.items() if "num_batches" not in k}
    torch.save({"iteration": 7, "state_dict": wrapped, "optimizer": {}, "learning_rate": 1e-3}, path)
    model = read_published(path)
    assert model.num_parameters() == small_model().num_parameters()
    text, mel = torch.randint(0, 148, (9,)), torch.randn(12, 20)
    expected = published_forward(weights, text, mel)
    model._prenet_drops = lambda: False  # type: ignore[method-assign]
    with torch.no_grad():
        output = model(text[None], torch.tensor([9]), mel[None], torch.tensor([12]))
    for ours, theirs in zip((output.mel_after, output.gate_logits, output.alignments), expected, strict=True):
        torch.testing.assert_close(ours[0], theirs, rtol=0, atol=1e-5)


def test_there_and_back_every_tensor_is_the_same(tmp_path: Path) -> None:
    model = small_model()
    write_published(tmp_path / "x.pt", model)
    back = read_published(tmp_path / "x.pt").state_dict()
    assert back.keys() == model.state_dict().keys()
    assert all(torch.equal(back[name], value) for name, value in model.state_dict().items())


def test_a_model_whose_r_fell_to_1_is_written_with_what_it_uses(tmp_path: Path) -> None:
    model = small_model(overrides="reduction_schedule=0:3 9:1")
    write_published(tmp_path / "x.pt", model)
    back = read_published(tmp_path / "x.pt").state_dict()
    for name, value in model.state_dict().items():
        assert torch.equal(back[name], value[:20] if "mel_layer" in name else value), name


def test_published_names_are_those_of_the_published_files() -> None:
    with torch.device("meta"):
        names = {published_name(name) for name in Tacotron2(create_hparams(PLAIN)).state_dict()}
    assert {
        "embedding.weight",
        "encoder.convolutions.0.0.conv.weight",
        "encoder.convolutions.2.1.running_mean",
        "encoder.lstm.bias_hh_l0_reverse",
        "decoder.prenet.layers.1.linear_layer.weight",
        "decoder.attention_rnn.weight_ih",
        "decoder.attention_layer.query_layer.linear_layer.weight",
        "decoder.attention_layer.v.linear_layer.weight",
        "decoder.attention_layer.location_layer.location_conv.conv.weight",
        "decoder.attention_layer.location_layer.location_dense.linear_layer.weight",
        "decoder.decoder_rnn.bias_hh",
        "decoder.linear_projection.linear_layer.bias",
        "decoder.gate_layer.linear_layer.weight",
        "postnet.convolutions.4.0.conv.bias",
    } <= names


@pytest.mark.parametrize(
    ("overrides", "named"),
    [
        ("n_frames_per_step=2", "n_frames_per_step=2"),
        ("use_mmi=True", "use_mmi=True"),
        ("attention=location-relative", "attention=location-relative"),
    ],
)
def test_what_has_no_place_there_is_not_written(tmp_path: Path, overrides: str, named: str) -> None:
    with pytest.raises(CheckpointError, match=named):
        write_published(tmp_path / "x.pt", small_model(overrides=overrides))
    model = small_model()
    model.set_mel_statistics(torch.full((20,), -5.0), torch.ones(20))
    with pytest.raises(CheckpointError, match="statistics"):
        write_published(tmp_path / "x.pt", model)
    assert not list(tmp_path.iterdir())


class Dangerous:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, ("executed",)


def test_what_is_no_such_checkpoint_is_told_and_nothing_is_executed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    weights = {published_name(name): value for name, value in small_model().state_dict().items()}
    weights = {name: value for name, value in weights.items() if not name.startswith("mel_")}
    missing = {name: value for name, value in weights.items() if "gate_layer" not in name}
    cut = weights | {"postnet.convolutions.0.1.bias": torch.zeros(3)}
    cases = {
        "without running code": {"state_dict": weights, "hparams": Dangerous()},
        "lacks decoder.gate_layer.linear_layer.bias": {"state_dict": missing},
        "holds, beside what such a model has, speaker": {"state_dict": weights | {"speaker": torch.zeros(2)}},
        "postnet.convolutions.0.norm.bias": {"state_dict": cut},
        "no embedding.weight": {"state_dict": {"conv.weight": torch.zeros(2)}},
        "holds no weights": {"state_dict": {}},
    }
    for message, content in cases.items():
        torch.save(content, "x.pt")
        with pytest.raises(CheckpointError, match=message):
            read_published(Path("x.pt"))
    with pytest.raises(CheckpointError, match="no such checkpoint"):
        read_published(Path("y.pt"))
    assert not Path("executed").exists()


def test_warm_start_takes_what_fits_and_says_why_not() -> None:
    source = small_model(1)
    model = small_model(2, "n_symbols=60,postnet_embedding_dim=12,use_ddc=True")
    before = {name: value.clone() for name, value in model.state_dict().items()}
    table = warm_start(model, source.state_dict(), PUBLISHED_SYMBOLS)
    rows = {row.name: row for row in table}
    after, given = model.state_dict(), source.state_dict()
    assert rows.keys() == after.keys() | given.keys()
    for name, value in after.items():
        if name != "embedding.weight":
            taken = given[name] if rows[name].outcome == "loaded" else before[name]
            assert torch.equal(value, taken), name
    assert rows["decoder.mel_layer.weight"].outcome == "loaded"
    assert rows["decoder_secondary.mel_layer.weight"].why == "not among the weights"
    assert rows["postnet.convolutions.0.norm.bias"].why == "another shape: (10,) there, (12,) here"
    embedding, row = after["embedding.weight"], rows["embedding.weight"]
    for symbol, there in (("a", 38), ("ä", 38), ("č", 40), ("-", 1), ("\u02b9", 3)):
        assert torch.equal(embedding[SYMBOLS.index(symbol)], given["embedding.weight"][there])
    for marker in "SE7":  # a capital letter there is no marker here
        index = SYMBOLS.index(marker)
        assert torch.equal(embedding[index], before["embedding.weight"][index])
    assert row.outcome == "partly" and "ä from a" in row.why and "S" in row.why.rpartition(":")[2]


def test_warm_start_from_the_same_symbols_is_complete() -> None:
    source, model = small_model(3, "n_symbols=60"), small_model(4, "n_symbols=60")
    assert {row.outcome for row in warm_start(model, source.state_dict())} == {"loaded"}
    given = source.state_dict()
    assert all(torch.equal(value, given[name]) for name, value in model.state_dict().items())
