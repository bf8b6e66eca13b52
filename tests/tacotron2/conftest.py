"""A very small corpus and model for everything that trains, judges or speaks."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from tacotron2.audio import save_wav
from tacotron2.checkpoint import save_checkpoint
from tacotron2.data.dataset import Item, TextMelLoader, mel_statistics
from tacotron2.data.features import FeatureCache
from tacotron2.data.utterances import read_list
from tacotron2.hparams import HParams, create_hparams
from tacotron2.models import Tacotron2

TINY = (
    "use_gst=False,use_mmi=False,use_ddc=False,drop_frame_rate=0,"
    "n_mel_channels=20,symbols_embedding_dim=8,encoder_embedding_dim=8,encoder_n_convolutions=1,prenet_dim=32,"
    "attention_rnn_dim=8,attention_dim=4,attention_location_n_filters=2,attention_location_kernel_size=5,"
    "decoder_rnn_dim=8,postnet_embedding_dim=8,postnet_n_convolutions=2,n_frames_per_step=3,"
    "max_decoder_seconds=0.4,learning_rate=1e-3,warmup_steps=4,batch_size=4,max_steps=20,log_every=1,"
    "validate_every=6,free_running_clips=2,checkpoint_every=10,keep_states=1,keep_best=1,precision=fp32,bucket_batches=2,"
    "guide_loss_decay_start=5,guide_loss_decay_steps=10,gate_threshold=0.9"
)
WORDS = ["the", "old", "clock", "in", "this", "hall", "is", "slow", "and", "every", "guest", "came", "late"]
CLIPS = {"train": 18, "validation": 5, "test": 3}
"""18 clips in batches of 4: five updates an epoch, the last one short."""


@pytest.fixture(scope="session")
def tiny() -> HParams:
    return create_hparams(TINY)


@pytest.fixture(scope="session")
def tiny_corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Chirps of 0.35 to 0.7 s with a few words each, listed in train.txt, validation.txt and test.txt."""
    folder = tmp_path_factory.mktemp("corpus")
    generator = np.random.default_rng(7)
    for split, count in CLIPS.items():
        lines = []
        for number in range(count):
            seconds = generator.uniform(0.35, 0.7)
            t = np.arange(int(seconds * 22050)) / 22050
            phase = 2 * np.pi * (generator.uniform(150, 900) * t + generator.uniform(50, 700) * t**2)
            tone = 0.3 * np.sin(phase) + 0.01 * generator.standard_normal(len(t))
            save_wav(folder / "wavs" / f"{split}-{number:02}.wav", tone, 22050)
            words = generator.choice(WORDS, size=generator.integers(2, 5))
            lines.append(f"wavs/{split}-{number:02}.wav|{' '.join(words)}.\n")
        (folder / f"{split}.txt").write_text("".join(lines), encoding="utf-8")
    return folder


Load = Callable[[str], TextMelLoader]


@pytest.fixture(scope="session")
def load_split(tiny: HParams, tiny_corpus: Path) -> Load:
    """`load_split("train")`, made once."""
    cache = FeatureCache(tiny_corpus / "features", tiny.audio)
    made = {
        name: TextMelLoader(read_list(tiny_corpus / f"{name}.txt", tiny_corpus), tiny, cache)
        for name in CLIPS
    }
    return made.__getitem__


@pytest.fixture(scope="session")
def train_set(load_split: Load) -> TextMelLoader:
    return load_split("train")


@pytest.fixture(scope="session")
def validation_set(load_split: Load) -> TextMelLoader:
    return load_split("validation")


@pytest.fixture(scope="session")
def items(validation_set: TextMelLoader) -> list[Item]:
    return [validation_set[index] for index in range(len(validation_set))]


MakeModel = Callable[..., Tacotron2]


@pytest.fixture(scope="session")
def make_model(tiny: HParams, train_set: TextMelLoader) -> MakeModel:
    """`make_model(prenet_dropout_at_synthesis=False)`: an untrained model in evaluation mode."""

    def make(**changes: object) -> Tacotron2:
        with torch.random.fork_rng():
            torch.manual_seed(3)
            model = Tacotron2(tiny.replace(**changes))
        model.set_mel_statistics(*mel_statistics(train_set))
        return model.eval()

    return make


@pytest.fixture
def endless_model(make_model: MakeModel) -> Tacotron2:
    """A model whose stop token never comes."""
    model = make_model()
    with torch.no_grad():
        model.decoder.gate_layer.weight.zero_()
        model.decoder.gate_layer.bias.fill_(-20.0)
    return model


@pytest.fixture
def stopping_model(make_model: MakeModel, items: list[Item]) -> Tacotron2:
    """A model that ends some of the sentences sooner than others; its pre-net drops nothing at synthesis."""
    model = make_model(prenet_dropout_at_synthesis=False)
    gate = model.decoder.gate_layer
    with torch.no_grad():
        texts = [(item.ids[None], torch.tensor([len(item.ids)])) for item in items]
        logits = torch.cat([model.infer(*text, 8).gate_probabilities for text in texts]).logit() - gate.bias
        steepness = 30.0 * (logits[:, -1] - logits[:, 0]).mean().sign()  # rising with time
        level = (steepness * logits[:, 3]).sort().values
        gate.weight.mul_(steepness)
        gate.bias.fill_(math.log(9.0) - (level[2] + level[3]).item() / 2)  # two of five by the fourth step
    return model


@pytest.fixture
def weights_file(tmp_path: Path, make_model: MakeModel) -> Path:
    """A checkpoint of the untrained model."""
    model, path = make_model(), tmp_path / "weights" / "best-0000001.ckpt"
    content = {"hparams": model.hparams.to_dict(), "model": model.state_dict(), "step": 1}
    save_checkpoint(path, content, {"role": "best", "step": 1, "quality": 0.1})
    return path


@pytest.fixture
def blank_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Validation without the drawing, which is most of its time here."""
    for name in ("save_attention", "save_spectrograms"):
        monkeypatch.setattr(f"tacotron2.training.validation.{name}", lambda path, drawn: None)
