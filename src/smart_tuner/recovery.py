"""Whether a run is started again after an attempt has ended, from where, and with what changed.

Pure: history, end, states on disk and limits in; a restart or giving up out. What carries it out is
`smart_tuner.self_healing`; what a person reads of it is docs/recovery.md.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from smart_tuner.config import Config
from smart_tuner.kept_states import KeptState, newest_before
from smart_tuner.messages import Message, RecoveryPhrase
from smart_tuner.records import ExitCause, Outcome

LONGEST_DELAY_S = 300.0
LEARNING_RATE, MICRO_BATCHES, GUIDE = "learning_rate", "micro_batches", "guided_attention_weight"
"""Knobs of the training, as `tacotron2.training.knobs` names them."""
RATE_FACTOR, MICRO_BATCH_FACTOR, GUIDE_FACTOR = 0.5, 2.0, 2.0
CALMER_RATE_FACTOR = 0.25
"""Of the rate with which an unstable training begins anew."""
LEAST_RATE = 1 / 64
"""Share of the learning rate below which the knob does not go."""
RETRIED = (
    ExitCause.NON_FINITE,
    ExitCause.OUT_OF_MEMORY,
    ExitCause.ATTENTION_FAILED,
    ExitCause.UNSTABLE,
    ExitCause.CRASHED,
    ExitCause.HUNG,
)
"""Every other end is final: a success, somebody's wish, or a mistake that trying again does not mend."""


@dataclass(frozen=True)
class Request:
    """Multiply a knob of the training; requests of all restarts add up."""

    knob: str
    factor: float


@dataclass(frozen=True)
class Restart:
    """One restart: the end before it, and what is done about that.

    `attempt` counts the restarts of a run from 1. `resume_step` is the state to go on from, None the
    beginning. `newest_step` is that of the newest state there was, 0 where there was none.
    """

    attempt: int
    time: float
    cause: ExitCause
    step: int
    resume_step: int | None
    requests: tuple[Request, ...]
    new_seed: bool
    delay_s: float
    reason: Message | str
    newest_step: int

    @property
    def rolls_back(self) -> bool:
        """Whether states later than `resume_step` must go, because they lead to the same end again."""
        return self.cause in (ExitCause.NON_FINITE, ExitCause.ATTENTION_FAILED, ExitCause.UNSTABLE)

    @property
    def changes(self) -> list[str]:
        """What is different from now on, as `name x factor`."""
        factors = [f"{request.knob} x {request.factor:g}" for request in self.requests]
        return (["next seed"] if self.new_seed else []) + factors


@dataclass(frozen=True)
class GiveUp:
    """There is no restart; `why` is None where this end is never tried again."""

    why: Message | None


@dataclass(frozen=True)
class Limits:
    """How often, how far, after which ends; `utterances`: those of a micro-batch as the settings have it."""

    max_restarts: int
    backoff_s: float
    max_new_seeds: int
    utterances: int
    calmer_restarts: int = 2
    retried: Sequence[ExitCause] = RETRIED

    @classmethod
    def of(cls, config: Config) -> Limits:
        """Those of a configuration."""
        train, supervisor = config.hparams.train, config.supervisor
        utterances = train.batch_size // (train.accumulation_steps * train.num_processes)
        return cls(
            supervisor.max_restarts,
            supervisor.backoff_s,
            config.attention.max_new_seeds,
            max(1, utterances),
            config.cure.calmer_restarts,
        )


def plan(
    restarts: Sequence[Restart],
    counted_from: int,
    outcome: Outcome,
    step: int,
    states: Sequence[KeptState],
    limits: Limits,
    now: float,
) -> Restart | GiveUp:
    """What follows an attempt.

    Args:
        restarts: all of the run so far.
        counted_from: how many of them do not count, because a person started the run again after them.
        outcome: how the attempt ended.
        step: where its trouble began.
        states: those on disk.
        limits: how often and how far.
        now: unix seconds, for the record.
    """
    if outcome.cause not in limits.retried:
        return GiveUp(None)
    newest = newest_before(states, math.inf)
    newest_step = newest.step if newest else 0
    counted = restarts[counted_from:]
    stalled = without_progress(counted, newest_step)
    why = _limit_reached(outcome.cause, restarts, counted, stalled, limits)
    if why is not None:
        return GiveUp(why)
    resume, requests = newest, list[Request]()
    if outcome.cause is ExitCause.NON_FINITE:
        resume, requests = newest_before(states, step), [Request(LEARNING_RATE, RATE_FACTOR)]
    elif outcome.cause is ExitCause.OUT_OF_MEMORY:
        requests = [Request(MICRO_BATCHES, MICRO_BATCH_FACTOR)]
    elif outcome.cause is ExitCause.ATTENTION_FAILED:
        resume = None
        if _count(counted, outcome.cause):  # one other seed alone did not help
            requests = [Request(GUIDE, GUIDE_FACTOR)]
    elif outcome.cause is ExitCause.UNSTABLE:
        resume, requests = None, [Request(LEARNING_RATE, CALMER_RATE_FACTOR)]
    return Restart(
        attempt=len(restarts) + 1,
        time=now,
        cause=outcome.cause,
        step=step,
        resume_step=resume.step if resume else None,
        requests=tuple(requests),
        new_seed=outcome.cause is ExitCause.ATTENTION_FAILED,
        delay_s=min(LONGEST_DELAY_S, limits.backoff_s * 2.0 ** min(stalled, 60)),
        reason=outcome.reason,
        newest_step=newest_step,
    )


def without_progress(restarts: Sequence[Restart], newest_step: int) -> int:
    """How many of the last restarts were made without a state beyond the furthest before; now there is one.

    A training that begins anew begins the count anew.
    """
    furthest = stalled = 0
    for restart in restarts:
        if restart.newest_step > furthest:
            furthest, stalled = restart.newest_step, 0
        stalled += 1
        if restart.new_seed or restart.cause is ExitCause.UNSTABLE:
            furthest = stalled = 0
    return 0 if newest_step > furthest else stalled


def _limit_reached(
    cause: ExitCause, restarts: Sequence[Restart], counted: Sequence[Restart], stalled: int, limits: Limits
) -> Message | None:
    """Why there must be no further restart, if so."""
    if cause is ExitCause.ATTENTION_FAILED:
        used = _count(counted, cause)
        return RecoveryPhrase.SEEDS_USED(limit=limits.max_new_seeds) if used >= limits.max_new_seeds else None
    if cause is ExitCause.UNSTABLE:
        used, limit = _count(counted, cause), min(limits.calmer_restarts, limits.max_restarts)
        return RecoveryPhrase.RESTARTS_USED(limit=limit) if used >= limit else None
    used = stalled
    if cause is ExitCause.NON_FINITE:
        # A checkpoint in between proves nothing: each of these restarts costs half a rate.
        used += _count(counted[: len(counted) - stalled], cause)
    if used >= limits.max_restarts:
        return RecoveryPhrase.RESTARTS_USED(limit=limits.max_restarts)
    if cause is ExitCause.NON_FINITE and _requested(restarts, LEARNING_RATE) <= LEAST_RATE:
        return RecoveryPhrase.RATE_USED()
    if cause is ExitCause.OUT_OF_MEMORY and _requested(restarts, MICRO_BATCHES) >= limits.utterances:
        return RecoveryPhrase.ONE_UTTERANCE()
    return None


def _count(restarts: Sequence[Restart], cause: ExitCause) -> int:
    return sum(restart.cause is cause for restart in restarts)


def _requested(restarts: Sequence[Restart], knob: str) -> float:
    """The product of all requests to a knob."""
    return math.prod(
        request.factor for restart in restarts for request in restart.requests if request.knob == knob
    )
