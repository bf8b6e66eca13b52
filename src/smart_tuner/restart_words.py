"""Restarts, and why there is no further one, as messages for the person in front of the screen."""

from __future__ import annotations

from collections.abc import Sequence

from smart_tuner.messages import EndPhrase, Message, Phrase, RecoveryPhrase
from smart_tuner.records import Outcome
from smart_tuner.recovery import GUIDE, LEARNING_RATE, MICRO_BATCHES, Request, Restart
from smart_tuner.wording import CAUSES

MOST_TOLD = 10
"""Of the ends before; recovery.json has all of them."""
_REQUESTS: dict[str, Phrase] = {
    LEARNING_RATE: RecoveryPhrase.LESS_RATE,
    MICRO_BATCHES: RecoveryPhrase.MORE_MICRO_BATCHES,
    GUIDE: RecoveryPhrase.MORE_GUIDE,
}


def restart_message(restart: Restart) -> Message:
    """What ended, and what is done about it."""
    place = RecoveryPhrase.ANEW()
    if restart.resume_step is not None:
        place = RecoveryPhrase.FROM_STEP(step=restart.resume_step)
    seed = [RecoveryPhrase.NEXT_SEED()] if restart.new_seed else []
    changes = [change_message(request) for request in restart.requests]
    return RecoveryPhrase.RESTART(
        attempt=restart.attempt,
        cause=CAUSES[restart.cause](),
        step=restart.step,
        reason=_whole(restart.reason),
        delay=restart.delay_s,
        actions=(place, *seed, *changes),
    )


def change_message(request: Request) -> Message:
    """What a restart adjusts."""
    return _REQUESTS[request.knob](factor=request.factor)


def given_up(outcome: Outcome, why: Message, restarts: Sequence[Restart]) -> Message:
    """The reason of the last end, and the whole story before it."""
    if not restarts:
        return RecoveryPhrase.GIVEN_UP(reason=_whole(outcome.reason), why=why)
    return RecoveryPhrase.GIVEN_UP_AFTER(
        reason=_whole(outcome.reason),
        count=len(restarts),
        why=why,
        story=tuple(
            RecoveryPhrase.EARLIER_END(cause=CAUSES[restart.cause](), step=restart.step)
            for restart in restarts[-MOST_TOLD:]
        ),
    )


def _whole(reason: Message | str) -> Message:
    return reason if isinstance(reason, Message) else EndPhrase.DETAIL(detail=reason)
