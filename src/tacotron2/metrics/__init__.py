"""The numbers the project steers by: one definition each, on numpy arrays, for every pass and every reader.

docs/metrics.md defines each of them with range, source and golden values.
"""

from tacotron2.metrics.alignment import (
    AlignmentMetrics,
    alignment_metrics,
    arrival_step,
    attention_coverage,
    attention_path,
    batch_alignment_metrics,
    repeat_rate,
    skip_rate,
)
from tacotron2.metrics.arrays import MetricsError
from tacotron2.metrics.distortion import (
    dtw_mean_cost,
    mcd_dtw_db,
    mcd_dtw_matrix,
    mel_cepstra,
    mel_quality_score,
    nearest_own_rate,
    trim_quiet_ends,
)
from tacotron2.metrics.quality import free_running_metrics, mean_metrics, quality
from tacotron2.metrics.reference_loss import ReferenceLoss
from tacotron2.metrics.stop import GateAccuracy, StopMetrics, length_error_frames, stop_metrics, stop_score

__all__ = [
    "AlignmentMetrics",
    "GateAccuracy",
    "MetricsError",
    "ReferenceLoss",
    "StopMetrics",
    "alignment_metrics",
    "arrival_step",
    "attention_coverage",
    "attention_path",
    "batch_alignment_metrics",
    "dtw_mean_cost",
    "free_running_metrics",
    "length_error_frames",
    "mcd_dtw_db",
    "mcd_dtw_matrix",
    "mean_metrics",
    "mel_cepstra",
    "mel_quality_score",
    "nearest_own_rate",
    "quality",
    "repeat_rate",
    "skip_rate",
    "stop_metrics",
    "stop_score",
    "trim_quiet_ends",
]
