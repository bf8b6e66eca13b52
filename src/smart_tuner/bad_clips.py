"""Recordings that stay badly aligned, as a run's records tell of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from smart_tuner.messages import ClipsPhrase, Language, Phrase, render
from smart_tuner.run_folder import RunFolder
from tacotron2.events import ClipsEvent, Stamped

WHY: dict[str, Phrase] = {
    "misaligned": ClipsPhrase.MISALIGNED,
    "unpredicted": ClipsPhrase.UNPREDICTED,
    "empty": ClipsPhrase.EMPTY,
}
"""Words for the reasons of `tacotron2.training.clip_rule`."""


def last_clips(stream: Sequence[Stamped]) -> ClipsEvent | None:
    """The last record of how single recordings fare; None where there is none."""
    events = (stamped.event for stamped in reversed(stream))
    return next((event for event in events if isinstance(event, ClipsEvent)), None)


def clips_record(run: RunFolder, stream: Sequence[Stamped]) -> dict[str, Any] | None:
    """What `bad_clips/bad_clips.json` holds; before the end of the training the same without texts and files.

    None where no validation has told of recordings yet.
    """
    told = last_clips(stream)
    if told is None:
        return None
    try:
        content: dict[str, Any] = json.loads(
            (run.bad_clips_folder / "bad_clips.json").read_text(encoding="utf-8")
        )
        if content["step"] == told.step:
            return content
    except (OSError, ValueError, KeyError, TypeError):
        pass  # not examined, or nothing was bad
    return {"step": told.step, "recordings": told.num_clips, "usual": told.usual, "clips": told.bad}


def clips_table(run: RunFolder, record: dict[str, Any], language: Language) -> list[str]:
    """A heading and a line for each bad recording, and what to do about them."""
    clips = record["clips"]
    if not clips:
        told = ClipsPhrase.NONE(run=run.name, step=record["step"], count=record["recordings"])
        return [render(told, language)]
    heads = (
        ClipsPhrase.HEAD_CLIP,
        ClipsPhrase.HEAD_SPEAKER,
        ClipsPhrase.CLIPS_HEAD_ALIGNMENT,
        ClipsPhrase.HEAD_LOSS,
        ClipsPhrase.HEAD_TIMES,
        ClipsPhrase.HEAD_WHY,
    )
    rows = [[render(head(), language) for head in heads]]
    rows += [_row(clip, language) for clip in clips]
    if all(clip["speaker"] == "" for clip in clips):
        rows = [[row[0], *row[2:]] for row in rows]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    lines = [
        "  ".join([*(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=False)), row[-1]])
        for row in rows
    ]
    usual = record["usual"]
    head = ClipsPhrase.CLIPS_FOUND(
        run=run.name, step=record["step"], bad=len(clips), count=record["recordings"]
    )
    with_usual = ClipsPhrase.USUAL(alignment=usual["alignment"], loss=usual["loss"])
    return [render(head, language), render(with_usual, language), *lines, *_advice(run, record, language)]


def _row(clip: dict[str, Any], language: Language) -> list[str]:
    why = ", ".join(render(WHY[each](), language) for each in clip.get("why", ()) if each in WHY)
    if clip.get("set_aside"):
        why = f"{why}; {render(ClipsPhrase.SET_ASIDE(), language)}"
    figures = f"{clip['alignment']:.2f}", f"{clip['loss']:.2f}", str(clip["times_bad"])
    return [clip["id"], clip["speaker"], *figures, why]


def _advice(run: RunFolder, record: dict[str, Any], language: Language) -> list[str]:
    lines = [ClipsPhrase.WHAT_TO_DO()]
    if "checkpoint" in record:
        lines.insert(0, ClipsPhrase.FILES(folder=run.bad_clips_folder))
    return [render(line, language) for line in lines]
