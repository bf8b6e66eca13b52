"""The card of a voice: whose it is, what it learned from, what may be done with it, how good it is.

Standard library only, so that whoever knows the facts of a run can fill it in.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

NOT_STATED = "not stated"
RIGHTS = ("speaker", "consent", "recordings_licence", "licence")
"""The fields that nobody can guess and that decide whether a voice may be used."""


@dataclass(frozen=True)
class Card:
    """The field names are the keys of `card` in voice.json; None: not stated.

    language: its code; data: what the recordings are, without a path; clips, hours: of the training list,
    hours after trimming; date: YYYY-MM-DD; limits: one sentence each; base: what it was tuned from; None:
    from nothing.
    """

    name: str
    language: str
    data: str
    date: str
    clips: int | None = None
    hours: float | None = None
    speaker: str | None = None
    consent: str | None = None
    recordings_licence: str | None = None
    licence: str | None = None
    contact: str | None = None
    limits: tuple[str, ...] = ()
    base: str | None = None

    def to_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    def not_stated(self) -> tuple[str, ...]:
        """Which of `RIGHTS` nobody has stated."""
        return tuple(name for name in RIGHTS if getattr(self, name) is None)


def render_card(
    card: Card,
    language: str,
    figures: Mapping[str, Mapping[str, Mapping[str, Any]]],
    made_with: Mapping[str, Any],
    samples: Sequence[Mapping[str, Any]],
    pictures: Sequence[str] = (),
    speakers: Sequence[str] = (),
) -> str:
    """The text of CARD.md.

    Args:
        language: its name.
        figures: group to name to value and how it was obtained.
        made_with: commit, versions and the like.
        samples: wav, a name of a part, and text, which may be None.
        pictures: names of parts.
        speakers: names that the voice can be asked for, where there are several.
    """
    lines = [f"# {card.name}", "", "A voice made by Smart Tuner (Tacotron 2).", ""]
    lines += _table(("", ""), [(label, _stated(value)) for label, value in _rows(card, language)])
    if card.not_stated():
        lines += [
            "",
            "**What is not stated is not allowed by this card.** A voice belongs to a person; ask first.",
        ]
    if speakers:
        lines += ["", "## Speakers", "", *(f"- {name}" for name in speakers)]
    lines += ["", "## Known limits", "", *(f"- {limit}" for limit in card.limits)]
    if samples:
        lines += ["", "## Samples", ""]
        lines += [f"- `{sample['wav']}`: {sample['text'] or 'a validation sentence'}" for sample in samples]
    lines += [line for name in pictures for line in ("", f"![{name}]({name})")]
    for group, members in figures.items():
        lines += ["", f"## Figures: {group}", ""]
        rows = [(f"`{name}`", _shown(entry["value"]), entry["how"]) for name, entry in members.items()]
        lines += _table(("figure", "value", "how it was obtained"), rows)
    lines += ["", "## Made with", "", *(f"- {name}: {_shown(value)}" for name, value in made_with.items())]
    return "\n".join(lines) + "\n"


def _rows(card: Card, language: str) -> list[tuple[str, str | None]]:
    return [
        ("language", f"{language} ({card.language})"),
        ("learned from", card.data),
        *([] if card.base is None else [("fine-tuned from", card.base)]),
        ("clips in training", "not recorded" if card.clips is None else f"{card.clips:,}"),
        ("hours in training", "not recorded" if card.hours is None else f"{card.hours:.2f}"),
        ("speaker", card.speaker),
        ("consent of the speaker", card.consent),
        ("licence of the recordings", card.recordings_licence),
        ("licence of this voice", card.licence),
        ("contact", card.contact),
        ("date", card.date),
    ]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    whole = [head, ["---"] * len(head), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return ["| " + " | ".join(row) + " |" for row in whole]


def _stated(value: str | None) -> str:
    return NOT_STATED if value is None else value


def _shown(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, float):
        return f"{value:.4g}"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
