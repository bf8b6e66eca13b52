"""Free running against the paper's loop, with the same dropout, ends, neighbours and arithmetic."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from tacotron2.hparams import create_hparams
from tacotron2.models import Synthesis, Tacotron2, Voice, products
from tacotron2.models.decoder import DecoderMasks

SMALL = (
    "use_gst=False,use_mmi=False,use_ddc=False,drop_frame_rate=0,"
    "symbols_embedding_dim=12,encoder_embedding_dim=16,prenet_dim=8,attention_rnn_dim=20,attention_dim=8,"
    "attention_location_n_filters=4,attention_location_kernel_size=5,decoder_rnn_dim=18,"
    "postnet_embedding_dim=8,n_frames_per_step=3,p_attention_dropout=0.2,p_decoder_dropout=0.3,"
)
LENGTHS = torch.tensor([11, 7, 9, 3])
BOUND = 40


def model_and_text(overrides: str = "", dtype: torch.dtype = torch.float64) -> tuple[Tacotron2, Tensor]:
    """A model whose sentences end at different steps, or at the bound."""
    torch.manual_seed(0)
    model = Tacotron2(create_hparams(SMALL + overrides)).to(dtype).eval()
    text, gate = torch.randint(1, 60, (4, 11)), model.decoder.gate_layer
    with torch.no_grad():
        for weight in model.decoder.prenet.parameters():
            weight.mul_(8.0)  # what was dropped is to decide, not which sentence it is
        gate.bias.fill_(-50.0)
        logits = 50.0 + model.infer(text, LENGTHS, BOUND).gate_probabilities.double().logit()
        # About one step in ten is the last one, for every sentence at another place.
        gate.weight.mul_(10.0 / logits.std())
        gate.bias.fill_(-10.0 * float(logits.quantile(0.9) / logits.std()))
    return model, text


def assert_equal(fast: Synthesis, naive: Synthesis, rtol: float, atol: float) -> None:
    """On everything that was said."""
    assert fast.stopped.tolist() == naive.stopped.tolist()
    assert fast.step_lengths.tolist() == naive.step_lengths.tolist()
    assert fast.mel_lengths.tolist() == naive.mel_lengths.tolist()
    assert fast.mel.shape == naive.mel.shape and fast.alignments.shape == naive.alignments.shape
    for row, (steps, frames) in enumerate(zip(naive.step_lengths, naive.mel_lengths, strict=True)):
        for name, end in (("mel", frames), ("gate_probabilities", steps), ("alignments", steps)):
            ours, theirs = (getattr(result, name)[row, :end] for result in (fast, naive))
            torch.testing.assert_close(ours, theirs, rtol=rtol, atol=atol)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(
    "overrides",
    ["", "n_frames_per_step=1,attention_location_kernel_size=1", "use_gst=True,gst_dim=8,use_mmi=True"],
)
def test_the_fast_loop_is_the_paper_s_loop(training: bool, overrides: str) -> None:
    """Also in training mode, where the LSTMs drop too; the sentences end one after the other."""
    model, text = model_and_text(overrides)
    model.decoder.train(training)
    masks = model.decoder.draw_masks(4, BOUND, torch.empty(4, dtype=torch.float64), prenet=True)
    fast, naive = (
        model.infer(text, LENGTHS, BOUND, masks=masks, stepwise=stepwise) for stepwise in (False, True)
    )
    assert len(set(naive.step_lengths.tolist())) > 1
    assert_equal(fast, naive, 1e-9, 1e-10)


def test_what_is_drawn_is_the_same_for_both() -> None:
    """More steps than are drawn at once."""
    model, text = model_and_text("gate_threshold=0.999")
    results = []
    for stepwise in (False, True):
        torch.manual_seed(5)
        results.append(model.infer(text, LENGTHS, 70, stepwise=stepwise))
    assert int(results[0].step_lengths.max()) == 70
    assert_equal(*results, 1e-8, 1e-9)


def test_float32_stays_close_to_the_paper_s_loop() -> None:
    """Here the products go another way than in float64; without feedback of the last digits for long."""
    model, text = model_and_text(dtype=torch.float32)
    masks = model.decoder.draw_masks(4, 8, torch.empty(4), prenet=True)
    fast, naive = (
        model.infer(text, LENGTHS, 8, masks=masks, stepwise=stepwise) for stepwise in (False, True)
    )
    assert_equal(fast, naive, 1e-3, 1e-3)


def test_a_neighbour_that_ends_changes_nothing() -> None:
    model, text = model_and_text()
    masks = model.decoder.draw_masks(4, BOUND, torch.empty(4, dtype=torch.float64), prenet=True)
    together = model.infer(text, LENGTHS, BOUND, masks=masks)
    for row in range(4):
        symbols = int(LENGTHS[row])
        own = masks.of(torch.tensor([row]))
        alone = model.infer(text[row : row + 1, :symbols], LENGTHS[row : row + 1], BOUND, masks=own)
        frames = int(alone.mel_lengths[0])
        assert frames == int(together.mel_lengths[row])
        torch.testing.assert_close(together.mel[row, :frames], alone.mel[0], rtol=1e-9, atol=1e-10)


def test_one_voice_serves_many_calls_and_takes_nothing_from_the_model() -> None:
    model, text = model_and_text("prenet_dropout_at_synthesis=false")
    expected = model.infer(text, LENGTHS, 5)
    voice = Voice(model.decoder)
    for _ in range(2):
        assert torch.equal(model.infer(text, LENGTHS, 5, voice=voice).mel, expected.mel)
    with torch.no_grad():
        model.decoder.decoder_rnn.weight_hh.zero_()
    assert torch.equal(model.infer(text, LENGTHS, 5, voice=voice).mel, expected.mel)
    assert not torch.equal(model.infer(text, LENGTHS, 5).mel, expected.mel)


@pytest.mark.skipif(not products.multiplies_bf16(), reason="this CPU has no products of bf16")
def test_rounded_weights_are_rounded_and_stay_near(monkeypatch: pytest.MonkeyPatch) -> None:
    """With given frames, the distance is that of bf16: 8 bits of mantissa."""
    monkeypatch.setattr(products, "CACHED_BYTES", 0)
    model, text = model_and_text(dtype=torch.float32)
    masks = model.decoder.draw_masks(4, 1, torch.empty(4), prenet=True)
    rounded = model.infer(text, LENGTHS, 1, masks=masks, voice=Voice(model.decoder, rounded=True))
    exact = model.infer(text, LENGTHS, 1, masks=masks)
    distance = float((rounded.mel - exact.mel).norm() / exact.mel.norm())
    assert 0.0 < distance < 0.02


def test_weights_that_stay_in_the_cache_are_not_rounded() -> None:
    model, text = model_and_text("prenet_dropout_at_synthesis=false", torch.float32)
    voice = Voice(model.decoder, rounded=True)
    assert torch.equal(model.infer(text, LENGTHS, 5, voice=voice).mel, model.infer(text, LENGTHS, 5).mel)


def test_padding_behind_a_sentence_is_empty() -> None:
    model, text = model_and_text()
    said = model.infer(text, LENGTHS, BOUND)
    for row, steps in enumerate(said.step_lengths.tolist()):
        assert not said.alignments[row, steps:].any() and bool(said.alignments[row, :steps].any())


def test_all_masks_of_rows() -> None:
    masks = DecoderMasks(attention=torch.arange(12.0).view(3, 4, 1))
    chosen = masks.of(torch.tensor([2, 0]))
    assert chosen.prenet is None and chosen.attention is not None
    assert chosen.attention[:, 0, 0].tolist() == [8.0, 0.0]
