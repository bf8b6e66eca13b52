"""Every hyper-parameter of the library: one owner, one default, one documented range each.

Standard library only, so that the models can be built with nothing but torch installed.
The defaults are the values of the project's founding report; the presets in `configs/` change them for
a machine and a purpose. `tacotron2.schema` derives the pydantic validation of YAML files from the field
metadata written here.
"""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tacotron2.reduction import LARGEST_R, Stage, parse_schedule, schedule_problem


class HParamsError(ValueError):
    """A configuration value cannot be used; the message names key, value and what would be right."""


def param(
    default: Any,
    doc: str,
    *,
    ge: float | None = None,
    gt: float | None = None,
    le: float | None = None,
    lt: float | None = None,
    choices: tuple[str, ...] | None = None,
    odd: bool = False,
) -> Any:
    """A field with its default, its meaning (with unit) and its admissible range."""
    bounds = {"ge": ge, "gt": gt, "le": le, "lt": lt, "choices": choices, "odd": odd or None}
    metadata = {"doc": doc} | {name: bound for name, bound in bounds.items() if bound is not None}
    return field(default=default, metadata=metadata)


@dataclass(frozen=True)
class AudioParams:
    """Log-mel spectrogram settings. They must match the vocoder's."""

    sampling_rate: int = param(22050, "samples per second", ge=8000, le=48000)
    filter_length: int = param(1024, "FFT size in samples", ge=64, le=8192)
    hop_length: int = param(256, "samples between two frames", ge=16, le=4096)
    win_length: int = param(1024, "Hann window in samples", ge=64, le=8192)
    n_mel_channels: int = param(80, "mel bands; distortion is measured on 14 coefficients", ge=14, le=256)
    mel_fmin: float = param(0.0, "lowest mel band edge in Hz", ge=0.0)
    mel_fmax: float = param(8000.0, "highest mel band edge in Hz, at most half the rate", gt=0.0)
    mel_floor: float = param(1e-5, "smallest magnitude before the logarithm", gt=0.0, lt=1.0)
    trim_db: float = param(
        45.0, "a frame this many dB below the loudest one counts as silence at both ends", gt=0.0, le=120.0
    )
    trim_margin_ms: float = param(25.0, "silence kept at both ends in ms", ge=0.0, le=1000.0)


@dataclass(frozen=True)
class TextParams:
    """How a sentence becomes symbols."""

    language: str = param("en", "language of the recordings", choices=("en", "ru", "de"))
    unreadable: str = param(
        "error", "what to do with a character that has no symbol", choices=("error", "drop")
    )
    stress: str = param(
        "marks",
        "whose stress is read (Russian): the marks of text and dictionary alone, or the speech library's too",
        choices=("marks", "library"),
    )
    dictionary: str = param("", "file of words and how to read them, `word|form` a line; empty: none")


@dataclass(frozen=True)
class DataParams:
    """Which utterances are used and how they are batched."""

    min_seconds: float = param(0.3, "shorter clips are left out", ge=0.0)
    max_seconds: float = param(15.0, "longer clips are left out", gt=0.0)
    validation_clips: int = param(48, "utterances held out for validation", ge=2)
    test_clips: int = param(32, "utterances held out for the final examination", ge=2)
    bucket_batches: int = param(
        8, "utterances are sorted by length inside pools of this many batches", ge=1, le=1000
    )
    num_workers: int = param(0, "loader processes; 0 loads in the training process", ge=0, le=64)


@dataclass(frozen=True)
class DemoParams:
    """The corpus made with the bundled speech synthesiser when no recordings were named."""

    demo_clips: int = param(1500, "training utterances to make", ge=16, le=100_000)
    demo_min_characters: int = param(12, "shortest sentence", ge=5, le=200)
    demo_max_characters: int = param(40, "longest sentence", ge=10, le=200)
    demo_voice: str = param("en-us+f3", "voice of the speech synthesiser")
    demo_words_per_minute: int = param(150, "speaking rate", ge=80, le=400)
    demo_seed: int = param(20, "seed of the sentence generator", ge=0)


@dataclass(frozen=True)
class ModelParams:
    """Sizes of Tacotron 2 (Shen et al. 2018, arXiv 1712.05884)."""

    n_symbols: int = param(60, "size of the symbol table, at least the 60 of `tacotron2.text`", ge=60)
    symbols_embedding_dim: int = param(512, "width of a symbol's embedding", ge=8)
    encoder_embedding_dim: int = param(512, "width of the encoder's output", ge=8)
    encoder_n_convolutions: int = param(3, "convolution layers of the encoder", ge=1, le=12)
    encoder_kernel_size: int = param(5, "their width in symbols", ge=1, odd=True)
    prenet_dim: int = param(256, "width of both pre-net layers", ge=8)
    p_prenet_dropout: float = param(0.5, "dropout of the pre-net, in training", ge=0.0, lt=1.0)
    prenet_dropout_at_synthesis: bool = param(
        True, "keep the pre-net's dropout on at synthesis, as section 2.2 of the paper does"
    )
    attention_rnn_dim: int = param(1024, "width of the attention LSTM", ge=8)
    attention_dim: int = param(128, "width of the attention's energy layer", ge=4)
    attention_location_n_filters: int = param(32, "filters over the previous alignments", ge=1)
    attention_location_kernel_size: int = param(31, "their width in symbols", ge=1, odd=True)
    decoder_rnn_dim: int = param(1024, "width of the decoder LSTM", ge=8)
    p_attention_dropout: float = param(0.001, "dropout of the attention LSTM's output", ge=0.0, lt=1.0)
    p_decoder_dropout: float = param(0.1, "dropout of the decoder LSTM's output", ge=0.0, lt=1.0)
    n_frames_per_step: int = param(1, "reduction factor r: mel frames per decoder step", ge=1, le=LARGEST_R)
    postnet_embedding_dim: int = param(512, "channels of the post-net", ge=8)
    postnet_kernel_size: int = param(5, "its width in frames", ge=1, odd=True)
    postnet_n_convolutions: int = param(5, "its layers", ge=2, le=12)
    p_convolution_dropout: float = param(0.5, "dropout of encoder and post-net layers", ge=0.0, lt=1.0)
    attention: str = param(
        "location-sensitive",
        "how attention moves: by place and content (arXiv 1506.07503), or by place alone (arXiv 1910.10288)",
        choices=("location-sensitive", "location-relative"),
    )
    n_speakers: int = param(
        1,
        "speakers that the lists name and that are told apart; with one there is no embedding of them",
        ge=1,
    )
    use_gst: bool = param(True, "style tokens (arXiv 1803.09017), guessed from the text at synthesis")
    gst_tokens: int = param(8, "style tokens", ge=2)
    gst_heads: int = param(4, "heads of the attention over them", ge=1)
    gst_dim: int = param(256, "width of the style; a token is gst_dim / gst_heads wide", ge=4)
    gst_reference_filters: int = param(
        32,
        "channels of the reference encoder's first convolutions; the last, and its GRU, have 4 times",
        ge=1,
    )
    use_mmi: bool = param(True, "a CTC recogniser reads what the decoder is about to say (arXiv 1909.01145)")
    drop_frame_rate: float = param(
        0.01, "share of the frames fed back in training that are replaced by the mean frame", ge=0.0, lt=1.0
    )
    use_ddc: bool = param(True, "a second decoder that must attend alike (double decoder consistency)")
    ddc_frames_per_step: int = param(2, "its reduction factor", ge=1, le=LARGEST_R)
    gate_threshold: float = param(0.5, "synthesis stops above this stop probability", gt=0.0, lt=1.0)
    max_decoder_seconds: float = param(20.0, "synthesis gives up after this much speech", gt=0.0)


FREEZABLE = ("embedding", "encoder", "attention", "decoder", "postnet")
"""What `train.freeze` may name."""


def frozen_parts(text: str) -> tuple[str, ...]:
    """The names in `train.freeze`, as they are written."""
    return tuple(text.replace(",", " ").split())


@dataclass(frozen=True)
class LossParams:
    """Weights of the training loss. The reference loss that judges a run has none."""

    gate_loss_weight: float = param(1.0, "weight of the stop token's loss", ge=0.0)
    gate_positive_weight: float = param(5.0, "weight of a stop step against a go-on step", gt=0.0)
    guided_attention_weight: float = param(20.0, "weight of the guided attention loss", ge=0.0)
    guided_attention_sigma: float = param(0.2, "width g of its diagonal (arXiv 1710.08969)", gt=0.0)
    guide_loss_decay_start: int = param(1000, "step at which its weight begins to fall", ge=0)
    guide_loss_decay_steps: int = param(25_000, "steps over which it falls linearly", ge=1)
    guide_loss_final_share: float = param(0.0, "share of the weight that stays", ge=0.0, le=1.0)
    mmi_loss_weight: float = param(1.0, "weight of the recogniser's CTC loss", ge=0.0)
    use_gaf: bool = param(True, "its gradient is kept below that of mel and stop losses where they meet")
    max_gaf: float = param(0.5, "largest share of it that is passed on then", gt=0.0)
    ddc_decoder_weight: float = param(1.0, "weight of the second decoder's own mel and stop losses", ge=0.0)
    ddc_loss_weight: float = param(1.0, "weight of the difference between the two alignments", ge=0.0)
    tpse_loss_weight: float = param(1.0, "weight of the error of the style guessed from the text", ge=0.0)


@dataclass(frozen=True)
class TrainParams:
    """Optimisation, validation and checkpoints."""

    learning_rate: float = param(5e-6, "highest learning rate (AdamW)", gt=0.0, le=1.0)
    learning_rate_final_share: float = param(
        1.0, "share of the rate left at the last step (exponential decay)", gt=0.0, le=1.0
    )
    learning_rate_decay_start: int = param(0, "step at which the decay begins", ge=0)
    warmup_steps: int = param(0, "steps of linear warm-up", ge=0)
    reduction_schedule: str = param(
        "",
        "r by training step, `step:r` with commas or blanks between: `0:7,4000:5,8000:2`; "
        "empty: model.n_frames_per_step from the beginning",
    )
    teacher_forcing_final: float = param(
        1.0,
        "share of the decoder's steps that read the recording at last; the others read what the model said",
        ge=0.0,
        le=1.0,
    )
    teacher_forcing_decay_start: int = param(0, "step at which that share begins to fall from 1", ge=0)
    teacher_forcing_decay_steps: int = param(10_000, "steps over which it falls linearly", ge=1)
    weight_decay: float = param(1e-6, "decoupled weight decay", ge=0.0)
    batch_size: int = param(32, "utterances per update", ge=1)
    accumulation_steps: int = param(1, "micro-batches per update; must divide batch_size", ge=1)
    num_processes: int = param(1, "processes that share every batch", ge=1, le=1024)
    grad_clip_thresh: float = param(0.3, "largest global gradient norm", gt=0.0)
    precision: str = param(
        "auto",
        "arithmetic: auto takes bf16 where the hardware multiplies it, else fp16 on cards with tensor cores",
        choices=("auto", "fp32", "bf16", "fp16"),
    )
    gradient_checkpointing: bool = param(
        False, "compute activations again in backward instead of keeping them: less memory, more time"
    )
    freeze: str = param(
        "",
        "parts that are left as they are, with commas or blanks between: embedding, encoder, attention, "
        "decoder, postnet; empty: none",
    )
    freeze_steps: int = param(0, "updates for which they are left so; 0: all", ge=0)
    calm_steps: int = param(
        100,
        "steps without an exploding gradient after which a learning rate lowered for it rises again",
        ge=1,
    )
    set_aside_bad_clips: bool = param(
        False, "leave out recordings that stay badly aligned, at most a tenth; they are never deleted"
    )
    max_steps: int = param(100_000, "length of the training in updates", ge=1)
    max_train_minutes: float = param(0.0, "stop after this many minutes of training; 0: no limit", ge=0.0)
    log_every: int = param(10, "steps between two records of the losses", ge=1)
    report_every: int = param(250, "steps between two reports; 0: none", ge=0)
    validate_every: int = param(500, "steps between two validations", ge=1)
    free_running_clips: int = param(16, "utterances of the free-running validation", ge=1)
    checkpoint_every: int = param(500, "steps between two full checkpoints", ge=1)
    keep_states: int = param(2, "full checkpoints kept, the newest ones", ge=1, le=100)
    keep_best: int = param(3, "weight files kept, by free-running quality", ge=1, le=100)
    seed: int = param(1234, "seed of weights, order and dropout", ge=0, lt=2**31)


@dataclass(frozen=True)
class HParams:
    """The sections above. A leaf is also reachable by its own name: `hparams.learning_rate`."""

    audio: AudioParams = field(default_factory=AudioParams)
    text: TextParams = field(default_factory=TextParams)
    data: DataParams = field(default_factory=DataParams)
    demo: DemoParams = field(default_factory=DemoParams)
    model: ModelParams = field(default_factory=ModelParams)
    loss: LossParams = field(default_factory=LossParams)
    train: TrainParams = field(default_factory=TrainParams)

    def __getattr__(self, name: str) -> Any:
        section = LEAF_SECTION.get(name)
        if section is None:
            raise AttributeError(f"no hyper-parameter {name!r}{did_you_mean(name, LEAF_SECTION)}")
        return getattr(getattr(self, section), name)

    @property
    def reduction_stages(self) -> tuple[Stage, ...]:
        """The values that the reduction factor has one after the other; the last is `n_frames_per_step`."""
        return parse_schedule(self.train.reduction_schedule, self.model.n_frames_per_step)

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """Section name to a plain dictionary of its values."""
        return dataclasses.asdict(self)

    def replace(self, **leaves: Any) -> HParams:
        """A copy with some leaves changed; the values are checked like any others."""
        sections = self.to_dict()
        for name, value in leaves.items():
            if name not in LEAF_SECTION:
                raise HParamsError(f"{name}: unknown key{did_you_mean(name, LEAF_SECTION)}")
            sections[LEAF_SECTION[name]][name] = value
        return from_dict(sections)


SECTIONS: dict[str, type] = {
    "audio": AudioParams,
    "text": TextParams,
    "data": DataParams,
    "demo": DemoParams,
    "model": ModelParams,
    "loss": LossParams,
    "train": TrainParams,
}


def leaves() -> Iterator[tuple[str, dataclasses.Field[Any]]]:
    """Every (section name, field); the leaf names are unique over all sections."""
    for section, cls in SECTIONS.items():
        for leaf in dataclasses.fields(cls):
            yield section, leaf


LEAF_SECTION: dict[str, str] = {leaf.name: section for section, leaf in leaves()}
LEAF_FIELD: dict[str, dataclasses.Field[Any]] = {leaf.name: leaf for _, leaf in leaves()}


def did_you_mean(name: str, known: Mapping[str, Any]) -> str:
    """`; did you mean X?`, or an empty string where nothing is close."""
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"; did you mean {close[0]!r}?" if close else ""


def suggest_leaf(key: str, leaf_section: Mapping[str, str] = LEAF_SECTION) -> str:
    """`; did you mean 'section.name'?` for a key written with or without its section, or nothing."""
    close = difflib.get_close_matches(key.rpartition(".")[2], list(leaf_section), n=1, cutoff=0.6)
    return f"; did you mean '{leaf_section[close[0]]}.{close[0]}'?" if close else ""


def range_text(leaf: dataclasses.Field[Any]) -> str:
    """The admissible values of a leaf in words: `a number > 0 and <= 1`."""
    meta = leaf.metadata
    if "choices" in meta:
        return "one of " + ", ".join(meta["choices"])
    kind = {"int": "a whole number", "float": "a number", "bool": "true or false"}.get(str(leaf.type), "text")
    signs = (("ge", ">="), ("gt", ">"), ("le", "<="), ("lt", "<"))
    bounds = [(sign, meta[name]) for name, sign in signs if name in meta]
    parts = [f"{sign} {bound if isinstance(bound, int) else f'{bound:g}'}" for sign, bound in bounds]
    odd = ["odd"] if meta.get("odd") else []
    return " ".join([kind, " and ".join(odd + parts)]).strip()


def check_value(leaf: dataclasses.Field[Any], value: Any) -> Any:
    """The value in the leaf's type.

    Raises:
        ValueError: wrong type or out of range; the message is `range_text` of the leaf.
    """
    kind, meta = str(leaf.type), leaf.metadata
    if kind == "float" and isinstance(value, int) and not isinstance(value, bool):
        value = float(value) if abs(value) < 2**1023 else float("inf")
    expected = {"int": int, "float": float, "bool": bool, "str": str}[kind]
    in_type = isinstance(value, expected) and not (isinstance(value, bool) and kind != "bool")
    fine = in_type and (
        value in meta.get("choices", (value,))
        and (kind not in ("int", "float") or _in_range(value, meta))
        and not (meta.get("odd") and value % 2 == 0)
    )
    if not fine:
        raise ValueError(f"must be {range_text(leaf)}")
    return value


def _in_range(value: float, meta: Mapping[str, Any]) -> bool:
    infinite = float("inf")
    return (
        meta.get("ge", -infinite) <= value <= meta.get("le", infinite)
        and (("gt" not in meta) or value > meta["gt"])
        and (("lt" not in meta) or value < meta["lt"])
        and abs(value) != infinite
    )


def parse_value(leaf: dataclasses.Field[Any], text: str) -> Any:
    """The value a person typed (`1e-4`, `true`, `fp32`), checked."""
    kind = str(leaf.type)
    try:
        if kind == "int":
            return check_value(leaf, int(text))
        if kind == "float":
            return check_value(leaf, float(text))
    except ValueError:
        raise ValueError(f"must be {range_text(leaf)}") from None
    if kind == "bool":
        return check_value(leaf, {"true": True, "false": False}.get(text.strip().lower(), text))
    return check_value(leaf, text)


class Violation(NamedTuple):
    """A rule between keys that is broken: the keys (`section.name`, the one to change first) and the rule."""

    keys: tuple[str, ...]
    rule: str


def relations(hparams: HParams, ignored: Collection[str] = ()) -> list[Violation]:
    """What is wrong between values that are each in range; rules that touch an ignored key are left out."""
    audio, data, demo, train = hparams.audio, hparams.data, hparams.demo, hparams.train
    schedule = schedule_problem(train.reduction_schedule, hparams.model.n_frames_per_step)
    rules = (
        (
            audio.mel_fmax <= audio.sampling_rate / 2,
            ("audio.mel_fmax", "audio.sampling_rate"),
            f"must be at most half of audio.sampling_rate ({audio.sampling_rate / 2:g})",
        ),
        (
            audio.mel_fmin < audio.mel_fmax,
            ("audio.mel_fmin", "audio.mel_fmax"),
            f"must be below audio.mel_fmax ({audio.mel_fmax:g})",
        ),
        (
            audio.hop_length <= audio.win_length,
            ("audio.hop_length", "audio.win_length"),
            f"must be at most audio.win_length ({audio.win_length}), or samples between frames are lost",
        ),
        (
            audio.win_length <= audio.filter_length,
            ("audio.win_length", "audio.filter_length"),
            f"must be at most audio.filter_length ({audio.filter_length})",
        ),
        (
            train.batch_size % train.accumulation_steps == 0,
            ("train.accumulation_steps", "train.batch_size"),
            f"must divide train.batch_size ({train.batch_size})",
        ),
        (
            train.num_processes == 1 or train.num_processes * train.accumulation_steps <= train.batch_size,
            ("train.num_processes", "train.batch_size", "train.accumulation_steps"),
            "must leave every process an utterance of every micro-batch "
            f"(train.batch_size {train.batch_size} / train.accumulation_steps {train.accumulation_steps})",
        ),
        (
            hparams.text.stress == "marks" or hparams.text.language == "ru",
            ("text.stress", "text.language"),
            "only Russian (text.language=ru) has its stress put in; take marks",
        ),
        (
            data.min_seconds < data.max_seconds,
            ("data.min_seconds", "data.max_seconds"),
            f"must be below data.max_seconds ({data.max_seconds:g})",
        ),
        (
            demo.demo_min_characters < demo.demo_max_characters,
            ("demo.demo_min_characters", "demo.demo_max_characters"),
            f"must be below demo.demo_max_characters ({demo.demo_max_characters})",
        ),
        (
            hparams.model.encoder_embedding_dim % 2 == 0,
            ("model.encoder_embedding_dim",),
            "must be even (two directions)",
        ),
        (
            hparams.model.gst_dim % (2 * hparams.model.gst_heads) == 0,
            ("model.gst_dim", "model.gst_heads"),
            f"must be a multiple of twice model.gst_heads ({2 * hparams.model.gst_heads})",
        ),
        (
            {*frozen_parts(train.freeze)} < {*FREEZABLE},
            ("train.freeze",),
            f"must name some, not all, of {', '.join(FREEZABLE)}",
        ),
        (not schedule, ("train.reduction_schedule", "model.n_frames_per_step"), schedule),
    )
    return [Violation(keys, rule) for fine, keys, rule in rules if not (fine or {*keys} & {*ignored})]


def from_dict(sections: Mapping[str, Mapping[str, Any]]) -> HParams:
    """Hyper-parameters from plain sections; missing leaves take their defaults.

    Raises:
        HParamsError: naming every bad key at once, one a line.
    """
    problems: list[str] = []
    values: dict[str, dict[str, Any]] = {name: {} for name in SECTIONS}
    for section, content in sections.items():
        if section not in SECTIONS:
            problems.append(f"{section}: unknown section{did_you_mean(section, SECTIONS)}")
            continue
        if not isinstance(content, Mapping):
            problems.append(f"{section}={content!r}: must be a mapping of keys to values")
            continue
        for name, value in content.items():
            if LEAF_SECTION.get(name) != section:
                problems.append(f"{section}.{name}: unknown key{suggest_leaf(name)}")
                continue
            try:
                values[section][name] = check_value(LEAF_FIELD[name], value)
            except ValueError as error:
                problems.append(f"{section}.{name}={value!r}: {error}")
    if not problems:
        built = {section: SECTIONS[section](**content) for section, content in values.items()}
        hparams = HParams(**built)
        for keys, rule in relations(hparams):
            problems.append(f"{keys[0]}={getattr(hparams, keys[0].partition('.')[2])!r}: {rule}")
        if not problems:
            return hparams
    raise HParamsError("\n".join(problems))


def split_override(text: str, leaf_section: Mapping[str, str] = LEAF_SECTION) -> tuple[str, str, str]:
    """`train.learning_rate=1e-4` or `learning_rate=1e-4` to (section, leaf, value as typed).

    `leaf_section` is the table of known leaves, for a program that adds sections of its own.

    Raises:
        HParamsError: no `=`, or no such key.
    """
    key, equals, value = text.partition("=")
    key = key.strip()
    if not equals or not key:
        raise HParamsError(f"{text!r}: an override has the form key=value")
    section, _, name = key.rpartition(".")
    if name not in leaf_section or section not in ("", leaf_section[name]):
        raise HParamsError(f"{key}: unknown key{suggest_leaf(key, leaf_section)}")
    return leaf_section[name], name, value.strip()


def create_hparams(overrides: str = "") -> HParams:
    """The report's values, changed by `"name=value,name=value"` (the classic call of Tacotron code).

    Raises:
        HParamsError: unknown key, wrong type or value out of range; all of them at once.
    """
    sections: dict[str, dict[str, Any]] = {name: {} for name in SECTIONS}
    problems: list[str] = []
    for item in filter(str.strip, overrides.split(",")):
        try:
            section, name, value = split_override(item)
            sections[section][name] = parse_value(LEAF_FIELD[name], value)
        except HParamsError as error:
            problems.append(str(error))
        except ValueError as error:
            problems.append(f"{section}.{name}={value!r}: {error}")
    if problems:
        raise HParamsError("\n".join(problems))
    return from_dict(sections)
