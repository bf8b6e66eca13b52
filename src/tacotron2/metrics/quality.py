"""From the scores of single utterances to the figures of a validation, and to one figure for ranking."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from numpy.typing import ArrayLike

from tacotron2.metrics.alignment import alignment_metrics
from tacotron2.metrics.arrays import as_array
from tacotron2.metrics.distortion import mcd_dtw_db, mel_quality_score
from tacotron2.metrics.stop import length_error_frames, stop_metrics, stop_score

QUALITY_WEIGHTS = {"attention_alignment": 0.45, "mel_quality_score": 0.35, "stop_score": 0.2}


def free_running_metrics(
    alignment: ArrayLike, synthesis: ArrayLike, recording: ArrayLike, stopped: bool
) -> dict[str, float]:
    """Every figure of one free-running synthesis under its public name; what could not be computed is absent.

    Args:
        alignment: (T_dec, T_text), unpadded, S and E included.
        synthesis: (T_mel, num_mels) denormalised log-mel, unpadded.
        recording: (T_mel, num_mels) log-mel of the utterance's recording.
        stopped: false if the synthesis was cut off at its greatest length.

    Raises:
        MetricsError: wrong shapes, or an empty alignment or recording.
    """
    rows = as_array("alignment", alignment, "T_dec, T_text")
    num_synthesised = len(as_array("synthesis", synthesis, "T_mel, num_mels"))
    num_recorded = len(as_array("recording", recording, "T_mel, num_mels"))
    attention = alignment_metrics(rows)
    figures = attention.to_dict()
    if attention.path is not None:  # without an alignment, nothing is known of the arrival
        figures |= stop_metrics(attention.arrival_step, len(rows), stopped).to_dict()
    figures["length_error_frames"] = float(length_error_frames(num_synthesised, num_recorded))
    figures["length_ratio"] = num_synthesised / num_recorded
    figures["stop_score"] = stop_score(num_synthesised, num_recorded, stopped)
    distortion = mcd_dtw_db(synthesis, recording)
    if distortion is not None:
        figures |= {"mcd_dtw_db": distortion, "mel_quality_score": mel_quality_score(distortion)}
    return figures


def mean_metrics(utterances: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """Mean of each figure over the utterances that have it; one that none has stays absent."""
    values: dict[str, list[float]] = {}
    for figures in utterances:
        for name, value in figures.items():
            values.setdefault(name, []).append(value)
    return {name: sum(column) / len(column) for name, column in values.items()}


def quality(figures: Mapping[str, float]) -> float | None:
    """One figure of 0-1 that ranks checkpoints, from the free-running figures (or their means).

    0.45 attention_alignment + 0.35 mel_quality_score + 0.2 stop_score; None if one of them is absent.
    """
    if not QUALITY_WEIGHTS.keys() <= figures.keys():
        return None
    return sum(weight * figures[name] for name, weight in QUALITY_WEIGHTS.items())
