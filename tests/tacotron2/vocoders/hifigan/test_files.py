"""Published files: read, written, refused."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from tacotron2.audio import AudioError
from tacotron2.hparams import AudioParams
from tacotron2.vocoders.contract import VocoderError
from tacotron2.vocoders.hifigan import (
    VARIANTS,
    Generator,
    HifiGanConfig,
    read_generator,
    read_hifigan,
    speaking,
    write_hifigan,
)
from tacotron2.vocoders.hifigan.config import read_config
from tacotron2.vocoders.hifigan.generator import context_frames
from tests.tiny_hifigan import NARROW, WIDE, loud_generator, some_mel

CPU = torch.device("cpu")
Weights = dict[str, Tensor]


@pytest.mark.parametrize("config", [WIDE, NARROW], ids=["resblock 1", "resblock 2"])
def test_what_is_written_comes_back_the_same(config: HifiGanConfig, tmp_path: Path) -> None:
    generator = loud_generator(config)
    path = write_hifigan(tmp_path, generator, config, 500)
    assert path.name == "g_00000500"
    again, settings, file = read_generator(tmp_path)
    assert (settings, file) == (config, path)
    for name, value in generator.state_dict().items():
        assert torch.equal(again.state_dict()[name], value), name
    second = write_hifigan(tmp_path / "second", again, settings, 500)
    assert second.read_bytes() == path.read_bytes()
    assert set(torch.load(path, weights_only=True)) == {"generator"}


def test_the_newest_of_a_folder_speaks(tmp_path: Path) -> None:
    for step in (900, 10_000, 2_000):
        write_hifigan(tmp_path, loud_generator(WIDE, seed=step), WIDE, step)
    assert read_hifigan(tmp_path, WIDE.audio(), CPU).name == "HiFi-GAN (g_00010000)"
    assert read_hifigan(tmp_path / "g_00000900", WIDE.audio(), CPU).name == "HiFi-GAN (g_00000900)"
    for path in tmp_path.glob("g_*"):
        path.rename(tmp_path / "generator_v1")
    assert read_hifigan(tmp_path, WIDE.audio(), CPU).name == "HiFi-GAN (generator_v1)"


@pytest.mark.parametrize("num_frames", [1, 20, 21, 95])
def test_in_chunks_it_speaks_as_in_one_piece(num_frames: int, tmp_path: Path, monkeypatch: Any) -> None:
    write_hifigan(tmp_path, loud_generator(WIDE), WIDE, 1)
    mel, vocoder = some_mel(WIDE, num_frames), read_hifigan(tmp_path, WIDE.audio(), CPU)
    whole = vocoder(mel)
    monkeypatch.setattr(speaking, "CHUNK_FRAMES", 20)
    pieces = vocoder(mel)
    assert pieces.shape == (num_frames * WIDE.hop_size,) and pieces.dtype == np.float32
    np.testing.assert_allclose(pieces, whole, rtol=0.0, atol=2e-6)
    assert np.abs(whole).max() > 0.1


def test_memory_is_bounded_by_the_chunk(tmp_path: Path, monkeypatch: Any) -> None:
    write_hifigan(tmp_path, loud_generator(WIDE), WIDE, 1)
    longest = 0
    forward = Generator.forward

    def watched(self: Generator, mel: Tensor) -> Tensor:
        nonlocal longest
        longest = max(longest, mel.shape[-1])
        return forward(self, mel)

    monkeypatch.setattr(Generator, "forward", watched)
    read_hifigan(tmp_path, WIDE.audio(), CPU)(some_mel(WIDE, 5000))
    assert longest == speaking.CHUNK_FRAMES + 2 * context_frames(WIDE)


def folded(weights: Weights) -> Weights:
    generator = Generator(WIDE)
    generator.load_state_dict(weights)
    return generator.fold().state_dict()


def parametrised(weights: Weights) -> Weights:
    names = {
        ".weight_g": ".parametrizations.weight.original0",
        ".weight_v": ".parametrizations.weight.original1",
    }
    renamed = {}
    for name, value in weights.items():
        for ours, theirs in names.items():
            name = name.replace(ours, theirs)
        renamed[f"module.{name}"] = value
    return renamed


@pytest.mark.parametrize("form", [folded, parametrised])
def test_other_forms_of_the_same_weights_speak_the_same(
    form: Callable[[Weights], Weights], tmp_path: Path
) -> None:
    path = write_hifigan(tmp_path, loud_generator(WIDE), WIDE, 1)
    mel = some_mel(WIDE, 12)
    expected = read_hifigan(path, WIDE.audio(), CPU)(mel)
    torch.save({"generator": form(torch.load(path, weights_only=True)["generator"])}, path)
    np.testing.assert_allclose(read_hifigan(path, WIDE.audio(), CPU)(mel), expected, atol=1e-6)


def test_a_row_of_zeros_without_normalisation_stays_zero(tmp_path: Path) -> None:
    path = write_hifigan(tmp_path, loud_generator(WIDE), WIDE, 1)
    weights = folded(torch.load(path, weights_only=True)["generator"])
    weights["conv_pre.weight"][3] = 0.0
    torch.save({"generator": weights}, path)
    assert torch.equal(read_generator(path)[0].fold().conv_pre.weight[3], torch.zeros(14, 7))


def test_every_foreign_mel_setting_is_named_with_both_values(tmp_path: Path) -> None:
    write_hifigan(tmp_path, loud_generator(WIDE), WIDE, 1)
    with pytest.raises(VocoderError) as refused:
        read_hifigan(tmp_path, AudioParams(), CPU)
    said = str(refused.value)
    assert str(tmp_path / "config.json") in said
    for part in (
        "sampling_rate 8000 there, audio.sampling_rate 22050 here",
        "n_fft 128 there, audio.filter_length 1024 here",
        "hop_size 16 there, audio.hop_length 256 here",
        "win_size 96 there, audio.win_length 1024 here",
        "num_mels 14 there, audio.n_mel_channels 80 here",
        "fmax 4000 there, audio.mel_fmax 8000 here",
    ):
        assert part in said
    assert "fmin" not in said and "mel_floor" not in said


@pytest.mark.parametrize(
    ("ours", "named"),
    [
        ({"mel_fmin": 50.0}, "fmin 0 there, audio.mel_fmin 50 here"),
        ({"mel_floor": 1e-4}, "mel_floor 1e-05 there, audio.mel_floor 0.0001 here"),
    ],
)
def test_one_foreign_setting_is_enough(ours: dict[str, float], named: str, tmp_path: Path) -> None:
    write_hifigan(tmp_path, loud_generator(WIDE), WIDE, 1)
    with pytest.raises(VocoderError, match=named):
        read_hifigan(tmp_path, dataclasses.replace(WIDE.audio(), **ours), CPU)


def test_our_spectrograms_are_those_of_the_published_networks() -> None:
    for config in VARIANTS.values():
        assert config.audio() == AudioParams()


class Harmful:
    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path("it-ran"),))


def test_code_in_a_file_does_not_run(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    path = write_hifigan(tmp_path, loud_generator(WIDE), WIDE, 1)
    torch.save({"generator": Harmful()}, path)
    with pytest.raises(VocoderError, match="without running code"):
        read_hifigan(path, WIDE.audio(), CPU)
    assert not (tmp_path / "it-ran").exists()


def changed(weights: Weights, **tensors: Tensor | None) -> dict[str, Any]:
    given = {name.replace("__", "."): value for name, value in tensors.items()}
    kept = {name: value for name, value in (weights | given).items() if value is not None}
    return {"generator": kept}


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda w: changed(w, conv_post__bias=None), "lacks conv_post.bias"),
        (lambda w: changed(w, ups__7__bias=torch.zeros(1)), "holds, .* ups.7.bias"),
        (
            lambda w: changed(w, conv_pre__bias=torch.zeros(8)),
            r"conv_pre.bias has the shape \(8,\), by config.json it must be \(16,\)",
        ),
        (
            lambda w: changed(w, conv_pre__bias=torch.full((16,), torch.nan)),
            "conv_pre.bias holds .* not finite",
        ),
        (lambda w: {"mpd": {}, "msd": {}, "optim_g": {}, "optim_d": {}}, "name the generator's file"),
        (lambda w: {"steps": 3}, "no HiFi-GAN"),
        (lambda w: [1, 2], "must hold a table"),
    ],
)
def test_a_file_that_does_not_fit_is_refused(spoil: Any, said: str, tmp_path: Path) -> None:
    path = write_hifigan(tmp_path, loud_generator(WIDE), WIDE, 1)
    torch.save(spoil(torch.load(path, weights_only=True)["generator"]), path)
    with pytest.raises(VocoderError, match=said) as refused:
        read_generator(path)
    assert str(path) in str(refused.value)


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("upsample_rates", [4, 8], "hop_size 16 as their product"),
        ("upsample_rates", "84", "a list of whole numbers"),
        ("upsample_initial_channel", 18, "multiple of 4"),
        ("resblock", "3", "resblock must be 1 or 2"),
        ("resblock_dilation_sizes", [[1, 3]], "one list for each kernel size"),
        ("sampling_rate", True, "sampling_rate must be a number"),
        ("hop_size", 16.5, "hop_size must be a whole number"),
        ("upsample_kernel_sizes", [8, 7], "same parity"),
        ("segment_size", 500, "multiple of hop_size"),
    ],
)
def test_settings_that_cannot_be_are_refused(key: str, value: Any, said: str, tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(dataclasses.asdict(WIDE) | {key: value}))
    with pytest.raises(VocoderError, match=said) as refused:
        read_config(path)
    assert str(path) in str(refused.value)


def test_a_damaged_or_missing_file_is_told(tmp_path: Path) -> None:
    path = write_hifigan(tmp_path, loud_generator(WIDE), WIDE, 1)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(VocoderError, match="cannot be loaded"):
        read_generator(tmp_path)
    path.unlink()
    with pytest.raises(VocoderError, match="found none"):
        read_generator(tmp_path)
    with pytest.raises(VocoderError, match="no such file or folder"):
        read_generator(tmp_path / "nowhere")
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(VocoderError, match="lacks the key resblock"):
        read_config(tmp_path / "config.json")


def test_a_folder_of_another_network_is_not_written_into(tmp_path: Path) -> None:
    write_hifigan(tmp_path, loud_generator(WIDE), WIDE, 1)
    with pytest.raises(VocoderError, match="other settings"):
        write_hifigan(tmp_path, loud_generator(NARROW), NARROW, 2)
    assert [path.name for path in tmp_path.glob("g_*")] == ["g_00000001"]


@pytest.mark.parametrize("mel", [np.zeros((5, 80), np.float32), np.zeros((0, 14), np.float32)])
def test_a_spectrogram_of_another_shape_is_refused(mel: Any, tmp_path: Path) -> None:
    write_hifigan(tmp_path, loud_generator(WIDE), WIDE, 1)
    with pytest.raises(AudioError, match=r"\(T_mel, 14\)"):
        read_hifigan(tmp_path, WIDE.audio(), CPU)(mel)
    with pytest.raises(AudioError, match="finite"):
        read_hifigan(tmp_path, WIDE.audio(), CPU)(np.full((3, 14), np.nan, np.float32))
