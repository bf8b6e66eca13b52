"""What is wrong with a training that does not do well: its course in, named troubles out.

Every rule is a function of the last two validations and of what is on record beside them; a trouble has to
be there at both, and not to be getting better by itself. docs/diagnosis.md has the rules in words and what
was measured.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from statistics import median
from typing import Any

from smart_tuner.course import Course, Look

FORMED = 0.3
"""Teacher-forced alignment from which attention follows the text at all."""
UNFORMED = 0.15
"""And below which it does not."""
BLURRED, SHARP = 0.5, 0.6
"""Focus of an attention that looks everywhere, and of one that looks at one symbol at a time."""
SKIPPED, REPEATED = 0.25, 0.1
"""Shares of symbols passed over, or read again, that are no accident of a young attention."""
IMPROVING = 0.9
"""A share that has fallen to this part of what it was is getting better by itself."""
RISING = 1.5
"""An alignment that has grown by this factor is forming."""
UNLEARNED = 0.75
"""Share of the first loss that is left where next to nothing was learned."""
NEVER, EARLY = 0.5, 0.75
"""Share of sentences that never stop; and length against the recording's of those that stop too early."""
APART = 0.05
"""Validation loss above its lowest, as a share, while the training loss fell by as much: learned by heart."""
RESTLESS = 2
"""Incidents of instability that are no single accident."""
STRETCHES, FEW_STEPS = 3, 250
"""Stretches between validations, and steps at least, over which they are counted: the guard tells one
of a kind in 100 steps."""
STEEP = 20.0
"""Gradient norm between two validations, as a multiple of what it was, that counts as such an incident."""
UNSTABLE_INCIDENTS = ("non_finite_update", "exploding_norm", "loss_spike")
WORSE = 0.5
"""Alignment of a group of recordings, as a share of that of all, that sets it apart."""
FEWEST_CLIPS = 3
"""Clips of a group from which it is judged."""


class Trouble(Enum):
    """What may be wrong; the order says what is treated first."""

    INSTABILITY = "instability"
    STAGNATION = "stagnation"
    ATTENTION_DIFFUSE = "attention_diffuse"
    ATTENTION_STUCK = "attention_stuck"
    ATTENTION_SKIPPING = "attention_skipping"
    ATTENTION_REPEATING = "attention_repeating"
    NEVER_STOPS = "never_stops"
    STOPS_EARLY = "stops_early"
    OVERFITTING = "overfitting"
    DATA_SPEAKER = "data_speaker"
    DATA_LENGTH = "data_length"
    DATA_FILES = "data_files"
    PLATEAU = "plateau"


@dataclass(frozen=True)
class Diagnosis:
    """A trouble; `confidence` 0-1, 0.5 where it is just so; `evidence`: the figures, in plain values."""

    trouble: Trouble
    confidence: float
    evidence: Mapping[str, Any]


Rule = Callable[[Course, Look, Look], Diagnosis | None]


def diagnose(course: Course, since: int = 0) -> list[Diagnosis]:
    """What the last two validations show, the surest first.

    Args:
        since: validations up to this step do not count: they came before a change that is to be given time.
    """
    looks = [look for look in course.looks if look.step > since]
    if len(looks) < 2 or looks[-1].r != looks[-2].r:
        return []
    before, now = looks[-2:]
    found = [_unstable(course, before, now, since), *(rule(course, before, now) for rule in RULES)]
    order = list(Trouble)
    return sorted(filter(None, found), key=lambda each: (-each.confidence, order.index(each.trouble)))


def _unstable(course: Course, before: Look, now: Look, since: int) -> Diagnosis | None:
    """Large norms, spikes of the loss, updates that were not finite: again and again."""
    begin = max(since, now.step - max(STRETCHES * (now.step - before.step), FEW_STEPS))
    recent = [each for each in course.incidents if each.incident in UNSTABLE_INCIDENTS and each.step > begin]
    norms = [look.norm for look in course.looks if look.norm is not None]
    steep = len(norms) > 1 and norms[-1] > STEEP * median(norms[:-1])
    count = len(recent) + steep
    if count < RESTLESS:
        return None
    kinds = sorted({each.incident for each in recent})
    evidence = {"incidents": count, "kinds": kinds, "from_step": begin, "norm": now.norm}
    return Diagnosis(Trouble.INSTABILITY, _sure(count, RESTLESS, 2 * RESTLESS), evidence)


def _stagnant(course: Course, before: Look, now: Look) -> Diagnosis | None:
    """The loss has hardly fallen, and attention has not formed: the updates are too small."""
    if course.first_loss is None or now.train_loss is None or not _unformed(before, now):
        return None
    left = now.train_loss / course.first_loss
    if left < UNLEARNED:
        return None
    evidence = {"loss": now.train_loss, "first_loss": course.first_loss, "left": left}
    return Diagnosis(Trouble.STAGNATION, _sure(left, UNLEARNED, 0.9), evidence)


def _diffuse(course: Course, before: Look, now: Look) -> Diagnosis | None:
    """The loss falls and attention looks everywhere: the decoder goes on from its own frames alone."""
    focus = now.forced.get("attention_focus")
    if focus is None or focus >= BLURRED or not _learned(course, now) or not _unformed(before, now):
        return None
    alignment = now.forced["attention_alignment"]
    evidence = {"alignment": alignment, "focus": focus, "before": before.forced["attention_alignment"]}
    return Diagnosis(Trouble.ATTENTION_DIFFUSE, _sure(-alignment, -UNFORMED, -UNFORMED / 3), evidence)


def _stuck(course: Course, before: Look, now: Look) -> Diagnosis | None:
    """Attention looks at one symbol at a time, and reaches few of them."""
    focus, coverage = now.forced.get("attention_focus"), now.forced.get("attention_coverage")
    if focus is None or focus < BLURRED or coverage is None or not _unformed(before, now):
        return None
    evidence = {"alignment": now.forced["attention_alignment"], "focus": focus, "coverage": coverage}
    return Diagnosis(Trouble.ATTENTION_STUCK, _sure(focus, BLURRED, 0.8), evidence)


def _skipping(course: Course, before: Look, now: Look) -> Diagnosis | None:
    """Attention is sharp and moves on, and passes over symbols, as before and no less."""
    return _misread(Trouble.ATTENTION_SKIPPING, "skip_rate", SKIPPED, before, now)


def _repeating(course: Course, before: Look, now: Look) -> Diagnosis | None:
    """Attention is sharp, and comes back to symbols that it has left."""
    return _misread(Trouble.ATTENTION_REPEATING, "repeat_rate", REPEATED, before, now)


def _misread(trouble: Trouble, name: str, bar: float, before: Look, now: Look) -> Diagnosis | None:
    """In both passes: what only free running shows may be an error of the frames that it hears."""
    focus = now.forced.get("attention_focus", 0.0)
    share, earlier = (min(look.forced.get(name, 0.0), look.free.get(name, 0.0)) for look in (now, before))
    if focus < SHARP or min(share, earlier) < bar or share < IMPROVING * earlier:
        return None
    return Diagnosis(trouble, _sure(share, bar, 2 * bar), {name: share, "before": earlier, "focus": focus})


def _never_stops(course: Course, before: Look, now: Look) -> Diagnosis | None:
    """Attention has read the text, and the stop token does not come."""
    rates = [look.free.get("never_stopped_rate", 0.0) for look in (before, now)]
    aligned = [look.forced.get("attention_alignment", 0.0) for look in (before, now)]
    if min(rates) < NEVER or min(aligned) < FORMED:
        return None
    evidence = {"never_stopped_rate": rates[1], "gate_accuracy": now.forced.get("gate_accuracy")}
    return Diagnosis(Trouble.NEVER_STOPS, _sure(rates[1], NEVER, 1.0), evidence)


def _stops_early(course: Course, before: Look, now: Look) -> Diagnosis | None:
    """What is spoken ends long before what was recorded, with the text unread."""
    lengths = [look.free.get("length_ratio", 1.0) for look in (before, now)]
    early = [look.free.get("premature_rate", 0.0) for look in (before, now)]
    aligned = [look.forced.get("attention_alignment", 0.0) for look in (before, now)]
    if max(lengths) > EARLY or min(early) < NEVER or min(aligned) < FORMED:
        return None
    evidence = {"length_ratio": lengths[1], "premature_rate": early[1]}
    return Diagnosis(Trouble.STOPS_EARLY, _sure(-lengths[1], -EARLY, -0.4), evidence)


def _overfitting(course: Course, before: Look, now: Look) -> Diagnosis | None:
    """The held-out loss rises while that of the training batches goes on falling, and speech gets no better.

    Where speech does get better, which was met as a rule, a rising loss is no trouble.
    """
    seen = [(look.forced["val_loss"], look.train_loss) for look in course.looks if "val_loss" in look.forced]
    losses = [(held_out, trained) for held_out, trained in seen if trained is not None]
    if len(losses) < 3 or "val_loss" not in before.forced or "val_loss" not in now.forced:
        return None
    lowest, trained_then = min(losses)
    risen = min(look.forced["val_loss"] for look in (before, now)) / lowest - 1.0
    fallen = 1.0 - losses[-1][1] / trained_then
    best = max((look.score for look in course.looks[:-2]), default=0.0)
    if risen < APART or fallen < APART or max(before.score, now.score) > best:
        return None
    evidence = {"val_loss": losses[-1][0], "lowest": lowest, "train_loss": losses[-1][1]}
    return Diagnosis(Trouble.OVERFITTING, _sure(risen, APART, 4 * APART), evidence)


def _data(course: Course, before: Look, now: Look) -> Diagnosis | None:
    """One speaker, one range of lengths or single recordings are read far worse than the others."""
    clips = course.clips
    usual = clips.usual.get("alignment", 0.0) if clips else 0.0
    if clips is None or usual < FORMED:
        return None
    for prefix, trouble in (("speaker:", Trouble.DATA_SPEAKER), ("length:", Trouble.DATA_LENGTH)):
        for name, share in _worst(clips.groups, prefix, usual):
            evidence = {"group": name.removeprefix(prefix), "alignment": share * usual, "usual": usual}
            return Diagnosis(trouble, _sure(-share, -WORSE, -WORSE / 2), evidence)
    lasting = [bad for bad in clips.bad if bad["times_bad"] >= 2]
    if not lasting:
        return None
    evidence = {"clips": [bad["id"] for bad in lasting][:5], "count": len(lasting), "usual": usual}
    return Diagnosis(Trouble.DATA_FILES, _sure(len(lasting), 1, 5), evidence)


def _worst(
    groups: Mapping[str, Mapping[str, float]], prefix: str, usual: float
) -> Iterator[tuple[str, float]]:
    """The groups of a kind that stand apart, as shares of the usual alignment, the worst first."""
    known = {name: group for name, group in groups.items() if name.startswith(prefix)}
    if len(known) < 2:
        return
    shares = {
        name: group["alignment"] / usual for name, group in known.items() if group["clips"] >= FEWEST_CLIPS
    }
    yield from sorted(((n, s) for n, s in shares.items() if s < WORSE), key=lambda item: item[1])


def _unformed(before: Look, now: Look) -> bool:
    """Whether attention does not follow the text, at both validations, and is not about to."""
    earlier, alignment = (look.forced.get("attention_alignment") for look in (before, now))
    if earlier is None or alignment is None:
        return False
    spoken = now.free.get("attention_alignment", 0.0)
    return max(earlier, alignment, spoken) < UNFORMED and alignment < max(RISING * earlier, UNFORMED / 3)


def _learned(course: Course, now: Look) -> bool:
    """Whether the loss has fallen."""
    if course.first_loss is None or now.train_loss is None:
        return False
    return now.train_loss < UNLEARNED * course.first_loss


def _sure(value: float, bar: float, certain: float) -> float:
    """0.5 at the bar, 1 where the value makes it certain."""
    return min(1.0, max(0.0, 0.5 + 0.5 * (value - bar) / (certain - bar)))


RULES: tuple[Rule, ...] = (
    _stagnant,
    _diffuse,
    _stuck,
    _skipping,
    _repeating,
    _never_stops,
    _stops_early,
    _overfitting,
    _data,
)
