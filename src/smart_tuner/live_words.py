"""What the live view says: the state of a run, and what happened in it, a sentence each."""

from __future__ import annotations

from smart_tuner.live_state import Life, Signs
from smart_tuner.messages import Language, Message, MonitorPhrase, RecoveryPhrase, render
from smart_tuner.restart_history import History
from smart_tuner.restart_words import change_message
from smart_tuner.run_follower import RunLook
from smart_tuner.wording import CAUSES, named, sentence
from tacotron2.events import FinishedEvent, RestartEvent, Stamped

_CAUSE_NAMES = {cause.value: phrase for cause, phrase in CAUSES.items()}


def state_told(life: Life, signs: Signs) -> Message:
    """The state in a few words."""
    if life is Life.SILENT:
        return MonitorPhrase.LIVE_SILENT(seconds=signs.heard_ago_s or 0.0)
    if life is Life.RESTARTING:
        due = max(0.0, signs.restart_due_s)
        return MonitorPhrase.LIVE_RESTARTING(attempt=signs.restart or 0, seconds=due)
    if life is Life.ENDED and signs.outcome is not None:
        return MonitorPhrase.LIVE_ENDED(cause=CAUSES[signs.outcome.cause]())
    return {
        Life.STARTING: MonitorPhrase.LIVE_STARTING,
        Life.TUNING: MonitorPhrase.LIVE_TUNING,
        Life.RUNNING: MonitorPhrase.LIVE_RUNNING,
    }.get(life, MonitorPhrase.LIVE_UNFINISHED)()


def state_explained(life: Life, look: RunLook) -> list[Message | str]:
    """What a person may want to know of the state besides: why, and what follows."""
    signs, told = look.signs, list[Message | str]()
    if life is Life.SILENT:
        told.append(MonitorPhrase.WHY_SILENT(limit=look.timeout_s))
    elif life is Life.UNFINISHED:
        told.append(MonitorPhrase.WHY_UNFINISHED())
    elif life is Life.TUNING:
        trials = look.path.parent / "studies" / look.name / "trials"
        told.append(MonitorPhrase.WHY_TUNING(trials=trials))
    elif life is Life.ENDED and signs.outcome is not None and signs.outcome.reason:
        told.append(signs.outcome.reason)
    if signs.stop_asked and life.goes_on:
        asked = MonitorPhrase.STOP_ASKED_NOW()
        told.append(asked if signs.stop_step is None else MonitorPhrase.STOP_ASKED(step=signs.stop_step))
    return told


def happening(stamped: Stamped, restarts: History, language: Language) -> str:
    """The sentence for something that happened; empty where there is nothing to say of it."""
    event = stamped.event
    message: Message | None = None
    if isinstance(event, RestartEvent):
        message = _restart(event, restarts)
    elif isinstance(event, FinishedEvent):
        cause = named(event.cause, _CAUSE_NAMES, language)
        return render(MonitorPhrase.FINISHED_TOLD(step=event.step, cause=cause), language)
    try:
        return sentence(stamped, language) or ("" if message is None else render(message, language))
    except (ValueError, KeyError):  # of another version, with other reasons: not worth the view
        return ""


def _restart(event: RestartEvent, restarts: History) -> Message:
    """In the words of `recovery.json`, where that still knows the restart."""
    known = next((each for each in restarts.restarts if each.attempt == event.attempt), None)
    place = RecoveryPhrase.ANEW()
    if event.resume_step is not None:
        place = RecoveryPhrase.FROM_STEP(step=event.resume_step)
    seed = [RecoveryPhrase.NEXT_SEED()] if known and known.new_seed else []
    changes = [change_message(request) for request in known.requests] if known else []
    return MonitorPhrase.RESTART_TOLD(
        step=event.step,
        cause=next((phrase() for cause, phrase in CAUSES.items() if cause.value == event.cause), event.cause),
        attempt=event.attempt,
        actions=(place, *seed, *changes),
    )
