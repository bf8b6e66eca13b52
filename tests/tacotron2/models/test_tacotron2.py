"""The model against its oracle, its parameter count, and what padding must not do."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from tacotron2.hparams import HParams, HParamsError, create_hparams
from tacotron2.models import Tacotron2
from tacotron2.models.decoder import Decoder, DecoderMasks, DecoderOutput
from tacotron2.models.encoder import Encoder, reverse_within
from tacotron2.models.masking import ConvolutionBlock, MaskedBatchNorm, length_mask

SMALL = (
    "use_gst=False,use_mmi=False,use_ddc=False,drop_frame_rate=0,"
    "symbols_embedding_dim=12,encoder_embedding_dim=16,prenet_dim=8,attention_rnn_dim=20,attention_dim=8,"
    "attention_location_n_filters=4,attention_location_kernel_size=5,decoder_rnn_dim=18,"
    "postnet_embedding_dim=8,n_frames_per_step=3,max_decoder_seconds=0.5,"
)
EVERYTHING = (
    "use_gst=True,gst_dim=8,gst_reference_filters=2,use_mmi=True,use_ddc=True,p_attention_dropout=0,"
    "p_decoder_dropout=0,p_convolution_dropout=0"
)
TEXT_LENGTHS = torch.tensor([11, 7, 9, 3])
MEL_LENGTHS = torch.tensor([30, 20, 28, 9])


def small(overrides: str = "") -> HParams:
    return create_hparams(SMALL + overrides)


def inputs(seed: int = 0) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    text = torch.randint(1, 60, (4, 11), generator=generator)
    mel = torch.randn(4, 30, 80, generator=generator, dtype=torch.float64)
    return text, TEXT_LENGTHS, mel, MEL_LENGTHS


def test_the_model_of_the_report_has_its_size_row_by_row() -> None:
    with torch.device("meta"):
        model = Tacotron2(create_hparams())
    assert model.num_parameters() == 58_811_635
    sizes = {name: sum(p.numel() for p in child.parameters()) for name, child in model.named_children()}
    assert sizes == {
        "embedding": 30_720,
        "encoder": 5_513_728,
        "decoder": 23_229_585,
        "decoder_secondary": 23_332_065,
        "postnet": 4_348_144,
        "mi": 1_099_825,
        "gst": 501_600,
        "tpse_gst": 755_968,
    }


def test_plain_model_has_the_published_size() -> None:
    with torch.device("meta"):
        model = Tacotron2(create_hparams("use_gst=False,use_mmi=False,use_ddc=False,n_symbols=148"))
    assert model.num_parameters() == 28_193_153
    sizes = {name: sum(p.numel() for p in child.parameters()) for name, child in model.named_children()}
    assert sizes["embedding"] == 148 * 512
    assert sizes["encoder"] == 5_513_728
    assert sizes["postnet"] == 4_348_144


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(
    "settings",
    [
        "p_attention_dropout=0.2,p_decoder_dropout=0.3",
        "p_decoder_dropout=0",
        "p_attention_dropout=0.2,use_mmi=True,use_gaf=False,use_gst=True,gst_dim=8",
        "p_attention_dropout=0.2,attention=location-relative",
    ],
)
@pytest.mark.parametrize("second", [False, True])
def test_fast_decoder_equals_the_paper_s_loop(training: bool, settings: str, second: bool) -> None:
    """Outputs and the gradients of every parameter and of the memory, dropout included."""
    torch.manual_seed(1)
    model = Tacotron2(small(settings + ",use_ddc=True")).double().train(training)
    decoder = model.decoder_secondary if second else model.decoder
    assert isinstance(decoder, Decoder)
    mel = inputs()[2]
    width = model.decoder.attention_rnn.input_size - 8
    values = torch.randn(4, 11, width, dtype=torch.float64, requires_grad=True)
    masks = decoder.draw_masks(4, 30 // decoder.r, values, prenet=True)
    results = []
    for path in (decoder.forward, decoder.decode_stepwise):
        output = path(decoder.prepare_memory(values, TEXT_LENGTHS), mel, masks)
        outputs = [output.mel, output.gate_logits, output.alignments]
        outputs += [] if output.projection is None else [output.projection]
        score = output.mel.square().sum() + output.gate_logits.sum() + output.alignments.pow(3).sum()
        gradients = torch.autograd.grad(score, [values, *decoder.parameters()])
        results.append([*outputs, *gradients])
    for fast, naive in zip(*results, strict=True):
        torch.testing.assert_close(fast, naive, rtol=1e-9, atol=1e-11)
        assert naive.abs().max() > 0


def test_the_second_decoder_reads_all_frames_of_the_step_before() -> None:
    decoder = Tacotron2(small("use_ddc=True")).decoder_secondary
    assert decoder is not None
    mel = torch.arange(1, 5).float()[None, :, None].expand(1, 4, 80)
    assert decoder.shifted(mel).tolist() == [[[0.0] * 160, [1.0] * 80 + [2.0] * 80]]


@pytest.mark.parametrize("settings", ["", EVERYTHING, EVERYTHING + ",attention=location-relative"])
def test_synthesis_repeats_what_teacher_forcing_on_its_own_frames_gives(settings: str) -> None:
    """Free running is the same computation: fed back its own frames, the fast path gives the same mel."""
    torch.manual_seed(2)
    model = Tacotron2(small("p_prenet_dropout=0," + settings)).double().eval()
    torch.nn.init.constant_(model.decoder.gate_layer.bias, -9.0)
    text, lengths, mel, mel_lengths = inputs()
    style = model.style_of_recording(mel, mel_lengths) if model.gst else None
    spoken = model.infer(text, lengths, max_steps=6, style=style)
    assert not spoken.stopped.any() and spoken.mel_lengths.tolist() == [18] * 4
    memory = model.prepare_speech(text, lengths, style)
    frames: Tensor = torch.zeros(4, 18, 80, dtype=torch.float64)
    output: DecoderOutput | None = None
    for _ in range(6):
        output = model.decoder(memory, frames, DecoderMasks())
        frames = output.mel.detach()
    assert output is not None
    torch.testing.assert_close(output.alignments, spoken.alignments)
    mask = torch.ones(4, 18, dtype=torch.bool)
    torch.testing.assert_close((frames + model.postnet(frames, mask)).float(), spoken.mel.float())


def test_synthesis_stops_each_sentence_at_its_own_stop_token() -> None:
    torch.manual_seed(3)
    model = Tacotron2(small()).eval()
    torch.nn.init.constant_(model.decoder.gate_layer.bias, 9.0)
    text, lengths, _, _ = inputs()
    spoken = model.infer(text, lengths)
    assert spoken.stopped.all() and spoken.step_lengths.tolist() == [1] * 4
    assert spoken.mel.shape == (4, 3, 80)


@pytest.mark.parametrize("settings", ["", EVERYTHING])
@pytest.mark.parametrize("training", [True, False])
def test_padding_changes_nothing(training: bool, settings: str) -> None:
    """A batch, and the same with more padding: equal on all valid positions."""
    torch.manual_seed(4)
    no_dropout = "p_prenet_dropout=0,p_convolution_dropout=0,p_attention_dropout=0,p_decoder_dropout=0"
    model = Tacotron2(small(f"{no_dropout},{settings}"))
    model.double().train(training)
    text, text_lengths, mel, mel_lengths = inputs()
    outputs = []
    for extra in (0, 12):
        padded_text = torch.nn.functional.pad(text, (0, extra))
        padded_mel = torch.nn.functional.pad(mel, (0, 0, 0, extra), value=7.0 if extra else 0.0)
        outputs.append(model(padded_text, text_lengths, padded_mel, mel_lengths))
    plain, padded = outputs
    for row in range(4):
        frames, steps, symbols = int(mel_lengths[row]), -(-int(mel_lengths[row]) // 3), int(text_lengths[row])
        torch.testing.assert_close(plain.mel_after[row, :frames], padded.mel_after[row, :frames])
        torch.testing.assert_close(plain.gate_logits[row, :steps], padded.gate_logits[row, :steps])
        torch.testing.assert_close(
            plain.alignments[row, :steps, :symbols], padded.alignments[row, :steps, :symbols]
        )
        assert padded.alignments[row, :, symbols:].abs().max() == 0
        if plain.secondary is not None and padded.secondary is not None:
            torch.testing.assert_close(plain.secondary.mel[row, :frames], padded.secondary.mel[row, :frames])
    for name in ("style", "predicted_style"):
        first, second = getattr(plain, name), getattr(padded, name)
        assert (first is None) == (not settings)
        torch.testing.assert_close(first, second) if settings else None


def test_alignment_rows_sum_to_one() -> None:
    torch.manual_seed(5)
    text, text_lengths, mel, mel_lengths = inputs()
    output = Tacotron2(small())(text, text_lengths, mel.float(), mel_lengths)
    torch.testing.assert_close(output.alignments.sum(2), torch.ones(4, 10))


def test_mels_are_raw_outside_and_normalised_inside() -> None:
    torch.manual_seed(6)
    model = Tacotron2(small("p_prenet_dropout=0")).double().eval()
    text, text_lengths, mel, mel_lengths = inputs()
    plain = model(text, text_lengths, mel, mel_lengths)
    mean, std = torch.linspace(-8, -4, 80), torch.linspace(0.5, 2, 80)
    model.set_mel_statistics(mean, std)
    scaled = model(text, text_lengths, mel * std + mean, mel_lengths)
    torch.testing.assert_close(scaled.mel_after, (plain.mel_after * std + mean).float(), check_dtype=False)
    torch.testing.assert_close(scaled.alignments, plain.alignments)


def test_encoder_equals_a_bidirectional_lstm_over_packed_sequences() -> None:
    torch.manual_seed(7)
    encoder = Encoder(small().model).eval()
    x = torch.randn(4, 11, 12)
    mask = length_mask(TEXT_LENGTHS, 11)
    hidden = (x * mask[:, :, None]).transpose(1, 2)
    for block in encoder.convolutions:
        hidden = block(hidden, mask)
    oracle = torch.nn.LSTM(16, 8, batch_first=True, bidirectional=True)
    for name, value in encoder.forward_lstm.named_parameters():
        oracle.get_parameter(name).data.copy_(value)
        oracle.get_parameter(name + "_reverse").data.copy_(encoder.backward_lstm.get_parameter(name))
    packed = torch.nn.utils.rnn.pack_padded_sequence(
        hidden.transpose(1, 2), TEXT_LENGTHS, batch_first=True, enforce_sorted=False
    )
    expected, _ = torch.nn.utils.rnn.pad_packed_sequence(oracle(packed)[0], batch_first=True)
    torch.testing.assert_close(encoder(x, TEXT_LENGTHS), expected)


def test_reverse_within_reads_each_sequence_backwards() -> None:
    x = torch.arange(10).reshape(2, 5, 1)
    assert reverse_within(x, torch.tensor([3, 5]))[:, :, 0].tolist() == [[2, 1, 0, 3, 4], [9, 8, 7, 6, 5]]


def test_masked_batch_norm_is_batch_norm_of_the_valid_positions() -> None:
    torch.manual_seed(8)
    masked, oracle = MaskedBatchNorm(6), torch.nn.BatchNorm1d(6)
    x, mask = torch.randn(4, 6, 11), length_mask(TEXT_LENGTHS, 11)
    rows = x.transpose(1, 2)[mask]
    torch.testing.assert_close(masked(x, mask).transpose(1, 2)[mask], oracle(rows))
    torch.testing.assert_close(masked.running_mean, oracle.running_mean)
    torch.testing.assert_close(masked.running_var, oracle.running_var)


def test_masked_batch_norm_keeps_its_statistics_in_float32_under_bf16() -> None:
    torch.manual_seed(9)
    masked, oracle = MaskedBatchNorm(6), torch.nn.BatchNorm1d(6)
    x = (torch.randn(4, 6, 11) + 8.0).bfloat16()
    with torch.autocast("cpu", torch.bfloat16):
        masked(x, torch.ones(4, 11, dtype=torch.bool))
    oracle(x.float())
    torch.testing.assert_close(masked.running_mean, oracle.running_mean)


def test_the_style_at_synthesis_is_guessed_heard_or_chosen() -> None:
    torch.manual_seed(10)
    model = Tacotron2(small("p_prenet_dropout=0," + EVERYTHING)).eval()
    text, lengths, mel, mel_lengths = inputs()
    heard = model.style_of_recording(mel.float(), mel_lengths)
    chosen = model.style_of_tokens(torch.eye(8)[:4])
    spoken = [model.infer(text, lengths, 3, style=style).mel for style in (None, heard, chosen)]
    assert not any(torch.equal(spoken[i], spoken[j]) for i, j in ((0, 1), (0, 2), (1, 2)))
    with pytest.raises(ValueError, match="use_gst=False"):
        Tacotron2(small()).infer(text, lengths, 3, style=heard)


def test_speakers_are_told_apart_and_must_be_named() -> None:
    torch.manual_seed(11)
    text, text_lengths, mel, mel_lengths = inputs()
    model = Tacotron2(small("n_speakers=2,p_prenet_dropout=0")).eval()
    assert model.num_parameters() == Tacotron2(small()).num_parameters() + 2 * 16
    one, other = (
        model(text, text_lengths, mel.float(), mel_lengths, torch.full((4,), speaker)).mel_after
        for speaker in (0, 1)
    )
    assert not torch.equal(one, other)
    with pytest.raises(HParamsError, match="model.n_speakers=2"):
        model(text, text_lengths, mel.float(), mel_lengths)


def test_dropped_frames_are_the_mean_frame_and_only_in_training() -> None:
    model = Tacotron2(small("drop_frame_rate=0.3"))
    frames = torch.ones(50, 40, 80)
    torch.manual_seed(12)
    dropped = model._without_some_frames(frames)
    whole = dropped.mean(2)
    assert set(whole.unique().tolist()) == {0.0, 1.0}
    assert float(1 - whole.mean()) == pytest.approx(0.3, abs=0.03)
    assert model.eval()._without_some_frames(frames) is frames


def test_a_convolution_block_drops_its_share_and_scales_the_rest() -> None:
    torch.manual_seed(10)
    block = ConvolutionBlock(6, 40, 3, "tanh", 0.25)
    x, mask = torch.randn(4, 6, 11), length_mask(TEXT_LENGTHS, 11)
    dropped = block(x, mask)
    block.p_dropout = 0.0
    whole = block(x, mask)
    valid = mask[:, None, :].expand_as(whole)
    assert not dropped[~valid].any() and not whole[~valid].any()
    kept = dropped != 0
    torch.testing.assert_close(dropped[kept], whole[kept] / 0.75)
    assert float((~kept)[valid].double().mean()) == pytest.approx(0.25, abs=0.04)
    block.p_dropout = 0.25
    block.eval()
    assert torch.equal(block(x, mask)[valid] != 0, torch.ones(int(valid.sum()), dtype=torch.bool))
