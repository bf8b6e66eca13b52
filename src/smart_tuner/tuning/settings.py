"""The settings of a study: its search, the gate beside its objective, and the space that is searched.

Every key is checked by itself when a configuration is read. What needs several keys is checked when the space
is made (`smart_tuner.tuning.search_space`).
"""

from __future__ import annotations

from dataclasses import dataclass

from tacotron2.hparams import param


@dataclass(frozen=True)
class TuningSettings:
    """A study: who proposes its trials, how many there are, how long each is, and what counts in them."""

    sampler: str = param(
        "bayesian",
        "who proposes: CMA-ES with TPE for the choices where the budget allows it, TPE alone, or chance",
        choices=("bayesian", "tpe", "random"),
    )
    trials: int = param(40, "trials of a study", ge=1, le=100_000)
    max_tuning_hours: float = param(0.0, "no trial begins after this many hours; 0: no limit", ge=0.0)
    max_tuning_steps: int = param(0, "no trial begins after this many updates in all; 0: no limit", ge=0)
    trial_steps: int = param(
        0, "length of a trial in updates of the preset's batch size; 0: train.max_steps", ge=0
    )
    startup_trials: int = param(10, "trials proposed by chance before the sampler takes over", ge=0)
    population: int = param(6, "trials of a generation of CMA-ES", ge=4, le=1000)
    num_rungs: int = param(3, "times within a trial at which it may be ended early; 0: never", ge=0, le=20)
    pruning_factor: int = param(3, "one of this many trials goes on at each of them", ge=2, le=100)
    study_seed: int = param(20, "seed of the sampler", ge=0, lt=2**31)
    alignment_share: float = param(
        0.4, "share of the free-running attention_alignment in the objective", ge=0.0, le=1.0
    )
    mel_quality_share: float = param(0.3, "share of the free-running mel_quality_score in it", ge=0.0, le=1.0)
    stop_score_share: float = param(0.2, "share of the free-running stop_score in it", ge=0.0, le=1.0)
    val_loss_share: float = param(
        0.1, "share of 1 / (1 + val_loss) in it; the four shares sum to 1", ge=0.0, le=1.0
    )
    auto_minutes: float = param(
        0.0, "minutes of tuning before the training of the demo in the main command; 0: none", ge=0.0
    )

    auto_share: float = param(
        0.2,
        "share of a training on own recordings, in updates, that its tuning may cost at most; 0: none",
        ge=0.0,
        le=1.0,
    )


@dataclass(frozen=True)
class GateSettings:
    """What a voice must reach. A trial that misses one of the first three cannot be the best."""

    min_attention_alignment: float = param(0.4, "smallest free-running attention_alignment", ge=0.0, le=1.0)
    min_gate_accuracy: float = param(0.6, "smallest teacher-forced gate_accuracy", ge=0.0, le=1.0)
    max_validation_loss: float = param(30.0, "largest val_loss", gt=0.0)
    max_stop_error_steps: float = param(5.0, "largest free-running stop_error_steps", ge=0.0)
    max_never_stopped_rate: float = param(0.05, "largest free-running never_stopped_rate", ge=0.0, le=1.0)
    max_skip_rate: float = param(0.02, "largest free-running skip_rate", ge=0.0, le=1.0)
    max_repeat_rate: float = param(0.02, "largest free-running repeat_rate", ge=0.0, le=1.0)
    max_mcd_dtw_db: float = param(25.0, "largest free-running mcd_dtw_db", gt=0.0)


@dataclass(frozen=True)
class SpaceSettings:
    """What may be tuned: `LOW..HIGH`, `LOW..HIGH log` or a list of choices; empty: not tuned."""

    learning_rate_range: str = param("1e-6..3e-3 log", "range of train.learning_rate")
    guided_attention_weight_range: str = param("0.5..100 log", "range of loss.guided_attention_weight")
    guide_loss_decay_start_range: str = param("0..5000", "range of loss.guide_loss_decay_start")
    guide_loss_decay_steps_range: str = param("100..50000 log", "range of loss.guide_loss_decay_steps")
    p_prenet_dropout_range: str = param("0.1..0.7", "range of model.p_prenet_dropout")
    p_attention_dropout_range: str = param("0..0.3", "range of model.p_attention_dropout")
    p_decoder_dropout_range: str = param("0..0.3", "range of model.p_decoder_dropout")
    p_convolution_dropout_range: str = param("0..0.6", "range of model.p_convolution_dropout")
    drop_frame_rate_range: str = param("0..0.2", "range of model.drop_frame_rate")
    grad_clip_thresh_range: str = param("0.1..10 log", "range of train.grad_clip_thresh")
    warmup_steps_range: str = param("0..1000", "range of train.warmup_steps")
    weight_decay_range: str = param("1e-8..0.1 log", "range of train.weight_decay")
    batch_size_choices: str = param("8, 16, 32", "choices of train.batch_size")
    mmi_loss_weight_range: str = param("0.1..10 log", "range of loss.mmi_loss_weight, with model.use_mmi")
    ddc_loss_weight_range: str = param("0.1..10 log", "range of loss.ddc_loss_weight, with model.use_ddc")
    tpse_loss_weight_range: str = param("0.1..10 log", "range of loss.tpse_loss_weight, with model.use_gst")
    n_frames_per_step_choices: str = param(
        "", "choices of model.n_frames_per_step; values at different r cannot be compared"
    )
