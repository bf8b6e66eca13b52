"""Whether a training that no longer gets better is to end: validations in, a decision out.

docs/early_stopping.md says what the figures are and what was measured. Everything here is a function of the
recorded validations, the plan and the settings.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from enum import Enum
from typing import Any

from smart_tuner.decisions import Decision, Reason, Verdict
from smart_tuner.early_stop_settings import EarlyStopSettings
from smart_tuner.messages import ControlPhrase, Message
from tacotron2.events import Event, RestartEvent, Stamped, StartedEvent, ValidationEvent
from tacotron2.hparams import HParams

ALIGNMENT = "attention_alignment"
GOOD_ALIGNMENT = {1: 0.884, 2: 0.844, 3: 0.817}
"""Free-running alignment of a well trained voice by reduction factor: docs/metrics.md, "By r"."""
REACHED = 0.97
"""Of that, what may be asked for: the report's 0.85 at its own r of 1."""


class Phase(Enum):
    """Of a training's progress, in their order."""

    ALIGNMENT = "alignment"
    LEARNING = "learning"
    FINE_TUNING = "fine_tuning"


@dataclass(frozen=True)
class Plan:
    """How long a training is to be: updates, seconds (0: no limit), updates between validations, the update
    after which it has its last reduction factor, and that."""

    max_steps: int
    max_seconds: float
    validate_every: int
    last_r_after: int = 0
    last_r: int = 1

    @classmethod
    def of(cls, hparams: HParams) -> Plan:
        """That of a training."""
        train, stages = hparams.train, hparams.reduction_stages
        last = stages[-1]
        limits = train.max_steps, train.max_train_minutes * 60, train.validate_every
        return cls(*limits, last.step, last.r)

    def progress(self, step: int, seconds: float) -> float:
        """0-1: of the updates, or of the time where that will end the training first."""
        by_time = seconds / self.max_seconds if self.max_seconds else 0.0
        return max(step / self.max_steps, by_time)


@dataclass(frozen=True)
class Rule:
    """What counts in a phase; see `EarlyStopSettings`."""

    patience: int
    min_delta: float
    attention_threshold: float


@dataclass(frozen=True)
class Seen:
    """One validation. `furthest_step` and `furthest_seconds`: how far the training had ever been, also with
    weights that were given up since. None: the figure was not to be had."""

    step: int
    quality: float | None
    alignment: float | None
    furthest_step: int
    furthest_seconds: float = 0.0


@dataclass(frozen=True)
class Standing:
    """Where a training stands after a validation. `reference`: the quality that a gain is counted from;
    `waited`: validations since the last gain; `gained`: whether this one was it."""

    phase: Phase = Phase.ALIGNMENT
    reference: float = 0.0
    waited: int = 0
    gained: bool = False
    best: Seen | None = None


def phase_at(progress: float, settings: EarlyStopSettings) -> Phase:
    """The phase of a share of the training."""
    if progress < settings.alignment_phase_end:
        return Phase.ALIGNMENT
    return Phase.LEARNING if progress < settings.learning_phase_end else Phase.FINE_TUNING


def rule_of(phase: Phase, settings: EarlyStopSettings) -> Rule:
    """What counts in a phase."""
    names = ("patience_validations", "min_delta", "attention_threshold")
    return Rule(*(getattr(settings, f"{phase.value}_{name}") for name in names))


def reachable(threshold: float, r: int) -> float:
    """A threshold of alignment, or what a good voice has at that reduction factor, where that is less.

    Beyond the table the last factor of it counts.
    """
    return min(threshold, REACHED * GOOD_ALIGNMENT[min(r, max(GOOD_ALIGNMENT))])


def standing(seen: Iterable[Seen], settings: EarlyStopSettings, plan: Plan) -> Standing:
    """After these validations, the oldest first."""
    now = Standing()
    for each in seen:
        phase = phase_at(plan.progress(each.furthest_step, each.furthest_seconds), settings)
        if each.step <= plan.last_r_after:  # at another r quality is another figure, and the next r comes
            now = replace(now, phase=phase, gained=False)
            continue
        quality = -math.inf if each.quality is None else each.quality
        gained = quality > now.reference + rule_of(phase, settings).min_delta
        beaten = now.best is None or quality > (now.best.quality or 0.0)
        now = Standing(
            phase,
            quality if gained else now.reference,
            0 if gained else now.waited + 1,
            gained,
            each if each.quality is not None and beaten else now.best,
        )
    return now


def judge(seen: Sequence[Seen], settings: EarlyStopSettings, plan: Plan) -> Decision:
    """What these validations, the oldest first, call for."""
    if not settings.early_stopping:
        return Decision(Verdict.CONTINUE, Reason.SWITCHED_OFF)
    now = standing(seen, settings, plan)
    rule, best = rule_of(now.phase, settings), now.best
    alignment = (best and best.alignment) or 0.0
    threshold = reachable(rule.attention_threshold, plan.last_r)
    figures: dict[str, Any] = {
        "phase": now.phase.value,
        "waited": now.waited,
        "patience": rule.patience,
        "min_delta": rule.min_delta,
        "threshold": threshold,
        "quality": (best and best.quality) or 0.0,
        "alignment": alignment,
        "best_step": best.step if best else 0,
    }
    if not seen or seen[-1].step <= plan.last_r_after:
        return Decision(Verdict.CONTINUE, Reason.EARLIER_R if seen else Reason.WAITING, figures)
    if plan.progress(seen[-1].furthest_step, seen[-1].furthest_seconds) >= 1.0:
        return Decision(Verdict.CONTINUE, Reason.AT_THE_END, figures)
    if now.waited < rule.patience:
        return Decision(Verdict.CONTINUE, Reason.GAINING if now.gained else Reason.WAITING, figures)
    if alignment < threshold:
        return Decision(Verdict.DIAGNOSE, Reason.PLATEAU_BELOW_TARGET, figures)
    return Decision(Verdict.STOP, Reason.CONVERGED, figures)


class EarlyStopController:
    """Follows the records of a run, and decides at each validation.

    Args:
        settings: all thresholds; neither history nor state changes them.
        plan: how long the training is to be.
        history: records from before, for an attempt that goes on.
    """

    def __init__(self, settings: EarlyStopSettings, plan: Plan, history: Iterable[Stamped] = ()) -> None:
        self._settings, self._plan = settings, plan
        self._seen: list[Seen] = []
        self._furthest_step, self._furthest_seconds = 0, 0.0
        for stamped in history:
            self.note(stamped.event)

    def note(self, event: Event) -> Decision | None:
        """Takes the next record; a decision where it is a validation."""
        if isinstance(event, StartedEvent):
            self._go_back_to(event.resumed_from_step or 0)
        elif isinstance(event, RestartEvent):
            self._go_back_to(event.resume_step or 0)
        elif isinstance(event, ValidationEvent):
            self._furthest_step = max(self._furthest_step, event.step)
            self._furthest_seconds = max(self._furthest_seconds, _finite(event.train_seconds) or 0.0)
            figures = _finite(event.quality), _finite(event.free_running.get(ALIGNMENT))
            self._seen.append(Seen(event.step, *figures, self._furthest_step, self._furthest_seconds))
            return self.decision
        return None

    @property
    def decision(self) -> Decision:
        """What the history so far calls for."""
        return judge(self._seen, self._settings, self._plan)

    @property
    def phase(self) -> Phase:
        """The phase of the last validation."""
        return standing(self._seen, self._settings, self._plan).phase

    def state_dict(self) -> dict[str, Any]:
        """What was seen, in plain values; no setting is in it."""
        furthest = {"furthest_step": self._furthest_step, "furthest_seconds": self._furthest_seconds}
        return {**furthest, "seen": [asdict(each) for each in self._seen]}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """What `state_dict` returned, of a controller with these settings or others."""
        self._seen = [Seen(**each) for each in state["seen"]]
        self._furthest_step = int(state["furthest_step"])
        self._furthest_seconds = float(state["furthest_seconds"])

    def _go_back_to(self, step: int) -> None:
        """What was validated later belongs to weights that are given up; a training that begins anew begins
        with the first phase."""
        self._seen = [each for each in self._seen if each.step <= step]
        if step == 0:
            self._furthest_step, self._furthest_seconds = 0, 0.0


def firing_phases(settings: EarlyStopSettings, plan: Plan) -> tuple[Phase, ...]:
    """The phases in which a plateau can end a training of this plan, were it flat from its beginning.

    By updates: what a limit in minutes leaves of them nobody knows before.
    """
    firing = set()
    for counted, step in enumerate(_judged_steps(plan), start=1):
        phase = phase_at(step / plan.max_steps, settings)
        if counted >= rule_of(phase, settings).patience:
            firing.add(phase)
    return tuple(phase for phase in Phase if phase in firing)


def futility(settings: EarlyStopSettings, plan: Plan) -> Message | None:
    """What to tell where early stopping is on and can never happen; else None."""
    if not settings.early_stopping or firing_phases(settings, plan):
        return None
    patience = tuple(rule_of(phase, settings).patience for phase in Phase)
    return ControlPhrase.CANNOT_FIRE(
        count=len(_judged_steps(plan)),
        alignment=patience[0],
        learning=patience[1],
        fine_tuning=patience[2],
    )


def _judged_steps(plan: Plan) -> range:
    """Validations that count, but for that at the end."""
    first = (plan.last_r_after // plan.validate_every + 1) * plan.validate_every
    return range(first, plan.max_steps, plan.validate_every)


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
