"""One model at every r of its schedule, and scheduled teacher forcing, against their oracles."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from tacotron2.checkpoint import with_one_r
from tacotron2.hparams import HParams, create_hparams
from tacotron2.models import Tacotron2
from tacotron2.models.decoder import Decoder, DecoderMasks
from tacotron2.models.free_running import run_stepwise

SMALL = (
    "use_gst=False,use_mmi=False,use_ddc=False,drop_frame_rate=0,"
    "symbols_embedding_dim=12,encoder_embedding_dim=16,prenet_dim=8,attention_rnn_dim=20,attention_dim=8,"
    "attention_location_n_filters=4,attention_location_kernel_size=5,decoder_rnn_dim=18,"
    "postnet_embedding_dim=8,p_attention_dropout=0.2,p_decoder_dropout=0.3,"
)
FALLING = "n_frames_per_step=2,reduction_schedule=0:5 10:3 20:2,"
MMI = "use_mmi=True,use_gaf=False,"
LENGTHS = torch.tensor([11, 7, 9, 3])
FRAMES = 30


def falling(overrides: str = "") -> HParams:
    return create_hparams(SMALL + FALLING + overrides)


def compared(decoder: Decoder, mel: Tensor, masks: DecoderMasks) -> list[list[Tensor]]:
    """Outputs and all gradients of the fast path, then those of its oracle."""
    values = torch.randn(4, 11, 16, dtype=torch.float64, requires_grad=True)
    results = []
    for path in (decoder.forward, decoder.decode_stepwise):
        output = path(decoder.prepare_memory(values, LENGTHS), mel, masks)
        score = output.mel.square().sum() + output.gate_logits.sum() + output.alignments.pow(3).sum()
        gradients = torch.autograd.grad(score, [values, *decoder.parameters()])
        results.append([output.mel, output.gate_logits, output.alignments, *gradients])
    return results


def assert_close(one: list[Tensor], other: list[Tensor]) -> None:
    for ours, theirs in zip(one, other, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("r", [5, 3, 2])
@pytest.mark.parametrize("settings", ["", MMI, "attention=location-relative"])
def test_the_fast_decoder_is_the_paper_s_loop_at_every_r(r: int, settings: str) -> None:
    torch.manual_seed(1)
    decoder = Tacotron2(falling(settings)).double().decoder
    decoder.set_r(r)
    mel = torch.randn(4, FRAMES, 80, dtype=torch.float64)
    masks = decoder.draw_masks(4, FRAMES // r, mel, prenet=True)
    fast, naive = compared(decoder, mel, masks)
    assert fast[0].shape == (4, FRAMES, 80) and fast[1].shape == (4, FRAMES // r)
    assert_close(fast, naive)
    names = [name for name, _ in decoder.named_parameters()]
    used = dict(zip(names, fast[4:], strict=True))
    last = "mel_layer.2" if settings == MMI else "mel_layer"
    gradient = used[f"{last}.weight"]
    assert gradient.shape[0] == 5 * 80
    assert not gradient[r * 80 :].any() and gradient[: r * 80].abs().amax(1).min() > 0


@pytest.mark.parametrize("r", [5, 3, 2])
@pytest.mark.parametrize("settings", ["", MMI])
def test_free_running_is_the_paper_s_loop_at_every_r(r: int, settings: str) -> None:
    torch.manual_seed(2)
    model = Tacotron2(falling(settings + "max_decoder_seconds=0.3,gate_threshold=0.99")).double().eval()
    model.decoder.set_r(r)
    text = torch.randint(1, 60, (4, 11))
    masks = model.decoder.draw_masks(4, 40, torch.empty(4, dtype=torch.float64), prenet=True)
    fast, naive = (model.infer(text, LENGTHS, masks=masks, stepwise=way) for way in (False, True))
    bound = -(-0.3 * 22050 / 256 // r)
    assert fast.step_lengths.tolist() == [bound] * 4 and fast.mel_lengths.tolist() == [bound * r] * 4
    assert_close([fast.mel, fast.alignments], [naive.mel, naive.alignments])


def test_a_schedule_costs_the_outputs_of_its_largest_r_alone() -> None:
    scheduled = Tacotron2(falling())
    assert scheduled.r == 2
    fixed = {r: Tacotron2(create_hparams(f"{SMALL}n_frames_per_step={r}")) for r in (2, 5)}
    assert scheduled.num_parameters() == fixed[5].num_parameters()
    assert fixed[5].num_parameters() - fixed[2].num_parameters() == 3 * 80 * (18 + 16 + 1)


@pytest.mark.parametrize("r", [0, 6])
def test_an_r_that_was_not_built_for_is_refused(r: int) -> None:
    with pytest.raises(ValueError, match=f"reduction factor {r}: this decoder was built for 1 to 5"):
        Tacotron2(falling()).decoder.set_r(r)


@pytest.mark.parametrize("r", [5, 3, 2])
@pytest.mark.parametrize("settings", ["", MMI])
def test_the_same_voice_in_a_model_of_one_r(r: int, settings: str) -> None:
    torch.manual_seed(3)
    model = Tacotron2(falling(settings + "p_prenet_dropout=0,n_speakers=2")).eval()
    model.name_speakers(["anna", "bela"])
    model.set_mel_statistics(torch.linspace(-8, -4, 80), torch.linspace(0.5, 2, 80))
    model.decoder.set_r(r)
    single = with_one_r(model)
    assert (single.r, single.hparams.n_frames_per_step, single.decoder.most) == (r, r, r)
    assert single.hparams.reduction_schedule == ""
    assert single.speakers == ("anna", "bela")
    text, speakers = torch.randint(1, 60, (4, 11)), torch.tensor([0, 1, 1, 0])
    said, expected = (voice.infer(text, LENGTHS, 6, speakers=speakers).mel for voice in (single, model))
    torch.testing.assert_close(said, expected)


@pytest.mark.parametrize("settings", ["", MMI, "attention=location-relative", "p_decoder_dropout=0"])
@pytest.mark.parametrize("second", [False, True])
@pytest.mark.parametrize("share", [0.5, 0.0])
def test_reading_what_was_said_is_the_paper_s_loop(settings: str, second: bool, share: float) -> None:
    """The same dropout and the same choice of steps for both; gradients included."""
    torch.manual_seed(4)
    model = Tacotron2(falling("use_ddc=True," + settings)).double()
    decoder = model.decoder_secondary if second else model.decoder
    assert decoder is not None
    mel = torch.randn(4, FRAMES, 80, dtype=torch.float64)
    masks = decoder.draw_masks(4, FRAMES // decoder.r, mel, prenet=True, forced=share)
    assert masks.forced is not None and bool(masks.forced[:, 0].all())
    assert share == 0.0 or len({tuple(row) for row in masks.forced.tolist()}) == 4  # each sequence its own
    assert_close(*compared(decoder, mel, masks))


def test_all_steps_forced_by_a_mask_are_the_fast_path() -> None:
    torch.manual_seed(5)
    decoder = Tacotron2(falling()).double().decoder
    mel = torch.randn(4, FRAMES, 80, dtype=torch.float64)
    masks = decoder.draw_masks(4, FRAMES // 2, mel, prenet=True)
    assert masks.forced is None
    all_of_them = torch.ones(4, FRAMES // 2, dtype=torch.bool)
    plain = DecoderMasks(masks.prenet, masks.attention, masks.decoder, all_of_them)
    torch.manual_seed(6)
    fast = compared(decoder, mel, masks)
    torch.manual_seed(6)
    assert_close(fast[0], compared(decoder, mel, plain)[0])


@pytest.mark.parametrize("settings", ["", MMI])
def test_no_step_forced_is_free_running_that_never_stops(settings: str) -> None:
    torch.manual_seed(7)
    decoder = Tacotron2(falling(settings)).double().decoder
    memory = decoder.prepare_memory(torch.randn(4, 11, 16, dtype=torch.float64), LENGTHS)
    mel = torch.randn(4, FRAMES, 80, dtype=torch.float64)
    masks = decoder.draw_masks(4, FRAMES // 2, mel, prenet=True, forced=0.0)
    trained = decoder(memory, mel, masks)
    said = run_stepwise(decoder, memory, masks, FRAMES // 2, threshold=1.0)
    assert not said.stopped.any()
    assert_close(
        [trained.mel, trained.gate_logits, trained.alignments],
        [said.output.mel, said.output.gate_logits, said.output.alignments],
    )


def test_the_share_is_that_of_the_steps_behind_the_first() -> None:
    torch.manual_seed(8)
    masks = Tacotron2(falling()).decoder.draw_masks(200, 101, torch.empty(0), prenet=False, forced=0.7)
    assert masks.forced is not None
    assert float(masks.forced[:, 1:].double().mean()) == pytest.approx(0.7, abs=0.01)


def test_activations_that_are_computed_again_give_the_same_gradients() -> None:
    """More steps than one stretch, so that a stretch begins with what the one before said."""
    torch.manual_seed(9)
    plain, thrifty = (Tacotron2(falling(f"gradient_checkpointing={way}")).double() for way in (False, True))
    thrifty.load_state_dict(plain.state_dict())
    mel = torch.randn(4, 80, 80, dtype=torch.float64)
    masks = plain.decoder.draw_masks(4, 40, mel, prenet=True, forced=0.3)
    results = []
    for model in (plain, thrifty):
        torch.manual_seed(10)
        results.append(compared(model.decoder, mel, masks)[0])
    assert_close(*results)


def test_the_whole_model_draws_nothing_more_while_all_steps_are_forced() -> None:
    model = Tacotron2(falling())
    text, mel, lengths = (
        torch.randint(1, 60, (4, 11)),
        torch.randn(4, FRAMES, 80),
        torch.tensor([30, 20, 9, 3]),
    )
    seen = []
    for share in ({}, {"teacher_forcing": 1.0}, {"teacher_forcing": 0.5}):
        torch.manual_seed(11)
        output = model(text, LENGTHS, mel, lengths, **share)
        seen.append(output.mel_after)
    assert torch.equal(seen[0], seen[1]) and not torch.allclose(seen[0], seen[2])
