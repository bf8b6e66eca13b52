"""Activations computed again: the same gradients, the same statistics, less kept."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks

from tacotron2.hparams import create_hparams
from tacotron2.models import Tacotron2, decoder

SMALL = (
    "use_gst=False,use_mmi=False,use_ddc=False,drop_frame_rate=0,"
    "symbols_embedding_dim=12,encoder_embedding_dim=16,prenet_dim=8,attention_rnn_dim=20,attention_dim=8,"
    "attention_location_n_filters=4,attention_location_kernel_size=5,decoder_rnn_dim=18,"
    "postnet_embedding_dim=8,n_frames_per_step=2,p_attention_dropout=0.2,"
)
TEXT_LENGTHS, MEL_LENGTHS = torch.tensor([11, 7, 9]), torch.tensor([40, 31, 26])


def model_of(checkpointing: bool, overrides: str) -> Tacotron2:
    torch.manual_seed(0)
    return Tacotron2(create_hparams(f"{SMALL}{overrides},gradient_checkpointing={checkpointing}")).double()


def score(model: Tacotron2) -> Tensor:
    torch.manual_seed(1)
    text, mel = torch.randint(1, 60, (3, 11)), torch.randn(3, 40, 80, dtype=torch.float64)
    output = model(text, TEXT_LENGTHS, mel, MEL_LENGTHS)
    mels = output.mel_after.double().square().sum() + output.mel_before.double().square().sum()
    if output.secondary is not None:
        mels = mels + output.secondary.mel.square().sum() + output.secondary.gate_logits.sum()
        mels = mels + output.recogniser_logits.square().sum() + output.predicted_style.square().sum()
    return mels + output.gate_logits.sum() + output.alignments.pow(3).sum()


def kept_bytes(model: Tacotron2) -> int:
    """What one forward pass keeps for its backward pass, the parameters left out."""
    parameters = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}
    kept: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        if tensor.layout == torch.strided and tensor.untyped_storage().data_ptr() not in parameters:
            kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with saved_tensors_hooks(pack, lambda tensor: tensor):
        total = score(model)
    del total
    return sum(kept.values())


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(
    "overrides",
    ["p_decoder_dropout=0.3", "p_decoder_dropout=0", "use_mmi=True,use_ddc=True,use_gst=True,gst_dim=8"],
)
def test_recomputed_gradients_are_the_kept_ones(
    monkeypatch: pytest.MonkeyPatch, training: bool, overrides: str
) -> None:
    monkeypatch.setattr(decoder, "RECOMPUTED_STEPS", 7)  # 20 steps: three pieces, the last one short
    results = []
    for checkpointing in (False, True):
        model = model_of(checkpointing, overrides).train(training)
        total = score(model)
        total.backward()
        gradients = [parameter.grad for parameter in model.parameters()]
        results.append([total, *gradients, *model.buffers(), torch.get_rng_state()])
    for kept, again in zip(*results, strict=True):
        assert kept is not None and kept.abs().max() >= 0
        torch.testing.assert_close(again, kept, rtol=1e-9, atol=1e-11)


def test_a_graph_may_be_walked_twice() -> None:
    model = model_of(True, "")
    total, parameters = score(model), list(model.parameters())
    first = torch.autograd.grad(total, parameters, retain_graph=True)
    for one, two in zip(first, torch.autograd.grad(total, parameters), strict=True):
        torch.testing.assert_close(one, two, rtol=1e-12, atol=1e-12)


def test_at_most_half_is_kept() -> None:
    assert kept_bytes(model_of(True, "")) < 0.5 * kept_bytes(model_of(False, ""))


def test_without_gradients_nothing_is_prepared_for_them() -> None:
    results = []
    for checkpointing in (False, True):
        with torch.no_grad():
            results.append(score(model_of(checkpointing, "").eval()))
    assert torch.equal(*results)
