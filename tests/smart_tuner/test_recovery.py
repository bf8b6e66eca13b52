"""What follows an attempt: the policy as a decision table, without a process or a file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from smart_tuner.config import load_config
from smart_tuner.kept_states import KeptState, kept_states, newest_before, remove_later
from smart_tuner.messages import EndPhrase, Language, Message, RecoveryPhrase, render
from smart_tuner.records import ExitCause, Outcome
from smart_tuner.recovery import RETRIED, GiveUp, Limits, Request, Restart, plan, without_progress
from smart_tuner.restart_history import History, HistoryError, Phase
from smart_tuner.restart_words import given_up, restart_message
from tacotron2.files import StorageError

LIMITS = Limits(max_restarts=3, backoff_s=2.0, max_new_seeds=2, utterances=4)
HALF_RATE = Request("learning_rate", 0.5)
TWICE_AS_MANY = Request("micro_batches", 2.0)
MORE_GUIDE = Request("guided_attention_weight", 2.0)
CRASH, HANG, NAN = ExitCause.CRASHED, ExitCause.HUNG, ExitCause.NON_FINITE
OOM, NO_ATTENTION = ExitCause.OUT_OF_MEMORY, ExitCause.ATTENTION_FAILED
UNSTABLE, QUARTER_RATE = ExitCause.UNSTABLE, Request("learning_rate", 0.25)


def earlier(
    cause: ExitCause, newest_step: int = 0, *requests: Request, new_seed: bool | None = None
) -> Restart:
    """A restart after that end, when the newest state was of that step."""
    seed = cause is NO_ATTENTION if new_seed is None else new_seed
    return Restart(1, 0.0, cause, newest_step + 5, newest_step or None, requests, seed, 2.0, "", newest_step)


def decide(
    cause: ExitCause,
    step: int = 45,
    states: Sequence[int] = (20, 40),
    restarts: Sequence[Restart] = (),
    counted_from: int = 0,
    limits: Limits = LIMITS,
) -> Restart | GiveUp:
    kept = [KeptState(each, True) for each in states]
    return plan(restarts, counted_from, Outcome(cause, "it broke"), step, kept, limits, now=7.0)


@pytest.mark.parametrize(
    ("cause", "step", "states", "restarts", "resume", "requests", "new_seed", "delay"),
    [
        # cause, where it began, states on disk, earlier restarts -> from where, what is changed, how soon
        (CRASH, 45, (20, 40), [], 40, (), False, 2.0),
        (HANG, 45, (20, 40), [], 40, (), False, 2.0),
        (CRASH, 5, (), [], None, (), False, 2.0),
        (OOM, 45, (20, 40), [], 40, (TWICE_AS_MANY,), False, 2.0),
        (NAN, 45, (20, 40), [], 40, (HALF_RATE,), False, 2.0),
        (NAN, 40, (20, 40), [], 20, (HALF_RATE,), False, 2.0),  # the newest holds the bad update
        (NAN, 15, (20, 40), [], None, (HALF_RATE,), False, 2.0),
        (NO_ATTENTION, 300, (200, 300), [], None, (), True, 2.0),
        (NO_ATTENTION, 300, (300,), [earlier(NO_ATTENTION, 300)], None, (MORE_GUIDE,), True, 2.0),
        (UNSTABLE, 200, (150,), [], None, (QUARTER_RATE,), False, 2.0),
        (UNSTABLE, 200, (150,), [earlier(UNSTABLE, 150)], None, (QUARTER_RATE,), False, 2.0),
        # the wait doubles while nothing new is saved, and begins again when something is
        (CRASH, 45, (40,), [earlier(CRASH, 40)], 40, (), False, 4.0),
        (CRASH, 45, (40,), [earlier(CRASH, 40), earlier(HANG, 40)], 40, (), False, 8.0),
        (CRASH, 45, (60,), [earlier(CRASH, 40), earlier(HANG, 40)], 60, (), False, 2.0),
        (CRASH, 45, (60,), [earlier(CRASH, 40)] * 2 + [earlier(HANG, 60)], 60, (), False, 4.0),
        # gone back before the furthest state: progress is what lies beyond that
        (CRASH, 45, (20,), [earlier(NAN, 40, HALF_RATE)], 20, (), False, 4.0),
        (CRASH, 5, (), [earlier(NO_ATTENTION, 300)] * 2, None, (), False, 2.0),  # another seed: counted anew
    ],
)
def test_a_restart(
    cause: ExitCause,
    step: int,
    states: tuple[int, ...],
    restarts: list[Restart],
    resume: int | None,
    requests: tuple[Request, ...],
    new_seed: bool,
    delay: float,
) -> None:
    restart = decide(cause, step, states, restarts)
    assert isinstance(restart, Restart)
    assert (restart.attempt, restart.time, restart.cause, restart.step) == (
        len(restarts) + 1,
        7.0,
        cause,
        step,
    )
    assert (restart.resume_step, restart.requests, restart.new_seed) == (resume, requests, new_seed)
    assert restart.delay_s == delay
    assert restart.reason == "it broke" and restart.newest_step == max(states, default=0)


@pytest.mark.parametrize(
    ("cause", "restarts", "states", "why"),
    [
        (CRASH, [earlier(CRASH, 40)] * 3, (20, 40), RecoveryPhrase.RESTARTS_USED(limit=3)),
        (
            HANG,
            [earlier(CRASH, 40), earlier(OOM), earlier(NAN)],
            (40,),
            RecoveryPhrase.RESTARTS_USED(limit=3),
        ),
        (CRASH, [earlier(CRASH, 40)] * 3, (20, 60), None),
        (CRASH, [earlier(NAN, step) for step in (10, 20, 30)], (40,), None),
        # each non-finite end counts, whatever was saved in between
        (NAN, [earlier(NAN, step) for step in (10, 20, 30)], (40,), RecoveryPhrase.RESTARTS_USED(limit=3)),
        (NAN, [earlier(NAN, 10), earlier(CRASH, 20), earlier(NAN, 30)], (40,), None),
        (OOM, [earlier(OOM, 10, TWICE_AS_MANY)], (40,), None),
        (
            OOM,
            [earlier(OOM, step, TWICE_AS_MANY) for step in (10, 20)],
            (40,),
            RecoveryPhrase.ONE_UTTERANCE(),
        ),
        (NO_ATTENTION, [earlier(NO_ATTENTION)], (), None),
        (NO_ATTENTION, [earlier(NO_ATTENTION)] * 2, (), RecoveryPhrase.SEEDS_USED(limit=2)),
        (NO_ATTENTION, [earlier(CRASH)] * 9, (), None),  # its bound is its own
    ],
)
def test_the_bounds(
    cause: ExitCause, restarts: list[Restart], states: tuple[int, ...], why: Message | None
) -> None:
    decision = decide(cause, 300, states, restarts)
    assert isinstance(decision, GiveUp) == (why is not None)
    assert not isinstance(decision, GiveUp) or decision.why == why


@pytest.mark.parametrize("cause", [cause for cause in ExitCause if cause not in RETRIED])
def test_some_ends_are_never_tried_again(cause: ExitCause) -> None:
    assert decide(cause) == GiveUp(None)


def test_every_end_that_is_no_wish_and_no_mistake_of_the_settings_or_data_is_tried_again() -> None:
    final = {"completed", "stopped", "no_voice", "data_error", "configuration_error", "storage_error"}
    assert {cause.value for cause in ExitCause} - {cause.value for cause in RETRIED} == {
        *final,
        *("interrupted", "terminated"),
    }


def test_the_rate_is_not_halved_below_what_the_knob_allows() -> None:
    limits = replace(LIMITS, max_restarts=100)
    five, six = ([earlier(NAN, 10, HALF_RATE)] * count for count in (5, 6))
    assert isinstance(decide(NAN, restarts=five, limits=limits), Restart)
    assert decide(NAN, restarts=six, limits=limits) == GiveUp(RecoveryPhrase.RATE_USED())
    assert decide(NAN, restarts=six, counted_from=6) == GiveUp(RecoveryPhrase.RATE_USED())  # requests stay


def test_after_a_person_started_it_again_the_count_begins_anew() -> None:
    restarts = [earlier(CRASH, 40)] * 3
    assert isinstance(decide(CRASH, restarts=restarts), GiveUp)
    again = decide(CRASH, restarts=restarts, counted_from=3)
    assert isinstance(again, Restart) and (again.attempt, again.delay_s) == (4, 2.0)


def test_the_wait_has_an_end() -> None:
    limits = replace(LIMITS, max_restarts=5000)
    restart = decide(CRASH, restarts=[earlier(CRASH, 40)] * 3000, limits=limits)
    assert isinstance(restart, Restart) and restart.delay_s == 300.0


def test_no_restarts_at_all_can_be_asked_for() -> None:
    none = replace(LIMITS, max_restarts=0, max_new_seeds=0)
    assert all(isinstance(decide(cause, limits=none), GiveUp) for cause in RETRIED)


def test_progress_is_a_state_beyond_the_furthest() -> None:
    restarts = [earlier(CRASH, 40), earlier(NAN, 40), earlier(CRASH, 20)]
    assert without_progress(restarts, 40) == 3
    assert without_progress(restarts, 41) == 0
    assert without_progress([], 0) == 0


def test_only_what_is_gone_back_on_takes_states_away() -> None:
    assert {cause for cause in RETRIED if earlier(cause).rolls_back} == {NAN, NO_ATTENTION, UNSTABLE}


def test_the_limits_are_those_of_the_configuration() -> None:
    config = load_config(
        "debug", ["supervisor.max_restarts=7", "backoff_s=0.5", "max_new_seeds=1", "num_processes=2"]
    )
    assert Limits.of(config) == Limits(7, 0.5, 1, utterances=2)  # 8 in 2 micro-batches in 2 processes


# States on disk


def save(folder: Path, name: str, sidecar: str | None) -> None:
    (folder / name).write_bytes(b"tensors")
    if sidecar is not None:
        (folder / f"{name}.json").write_text(sidecar)


def test_a_state_is_what_a_sidecar_tells_of_a_file(tmp_path: Path) -> None:
    for step, finite in ((40, True), (20, True), (60, False)):
        facts = json.dumps({"step": step, "finite": finite})
        save(tmp_path, f"state-{step:07d}.ckpt", facts)
    save(tmp_path, "state-0000070.ckpt", None)
    save(tmp_path, "state-0000080.ckpt", '{"step": 80, "fin')
    save(tmp_path, "state-0000090.ckpt", '["step"]')
    save(tmp_path, "best-0000095.ckpt", '{"step": 95, "finite": true}')
    (tmp_path / "state-0000100.ckpt.json").write_text('{"step": 100, "finite": true}')
    states = kept_states(tmp_path)
    assert states == [KeptState(20, True), KeptState(40, True), KeptState(60, False)]
    assert newest_before(states, 1000) == KeptState(40, True)
    assert newest_before(states, 40) == KeptState(20, True)
    assert newest_before(states, 20) is None
    assert kept_states(tmp_path / "nowhere") == []


@pytest.mark.parametrize(
    ("step", "left"),
    [
        (40, ["best-0000060.ckpt", "state-0000020.ckpt", "state-0000040.ckpt"]),
        (70, ["best-0000060.ckpt", "state-0000020.ckpt", "state-0000040.ckpt", "state-0000060.ckpt"]),
        (None, []),
    ],
)
def test_later_states_are_removed_and_for_a_beginning_everything(
    tmp_path: Path, step: int | None, left: list[str]
) -> None:
    for name in ("state-0000020", "state-0000040", "state-0000060", "best-0000060"):
        save(tmp_path, f"{name}.ckpt", "{}")
    (tmp_path / "notes.txt").touch()
    remove_later(tmp_path, step)
    assert sorted(path.name for path in tmp_path.glob("*.ckpt")) == left
    assert len(list(tmp_path.glob("*.json"))) == len(left)
    assert (tmp_path / "notes.txt").exists()
    remove_later(tmp_path, step)  # once more, as after a kill


def test_what_cannot_be_removed_is_told_by_name(tmp_path: Path) -> None:
    (tmp_path / "state-0000060.ckpt").mkdir()
    with pytest.raises(StorageError, match="state-0000060.ckpt: cannot be removed"):
        remove_later(tmp_path, 20)


# The history

FULL = History(
    (
        replace(earlier(NAN, 40, HALF_RATE), reason=EndPhrase.SILENT(seconds=2.5)),
        replace(earlier(NO_ATTENTION, 300, MORE_GUIDE), attempt=2, resume_step=None, reason="as it was told"),
        replace(earlier(CRASH, 0), attempt=3, reason=EndPhrase.DETAIL(detail=(EndPhrase.KILLED(),))),
    ),
    counted_from=1,
    phase=Phase.RESTARTING,
)


def test_the_history_comes_back_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "recovery.json"
    assert History.read(path) == History()
    FULL.write(path)
    assert History.read(path) == FULL
    content = json.loads(path.read_text())
    assert content["restarts"][0]["cause"] == "non_finite"
    assert content["restarts"][0]["requests"] == [{"knob": "learning_rate", "factor": 0.5}]
    assert content["restarts"][0]["reason"]["message"].startswith("the worker gave no sign of life")
    assert (content["restarts"][1]["resume_step"], content["restarts"][1]["new_seed"]) == (None, True)


def test_a_history_grows_and_is_counted_anew() -> None:
    longer = FULL.with_restart(earlier(HANG, 60))
    assert (len(longer.restarts), len(longer.counted), longer.phase) == (4, 3, Phase.RESTARTING)
    assert longer.at(Phase.GIVEN_UP).counted_anew().counted == ()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"schema": 2}', '{"schema": 1, "restarts": [{}]}'])
def test_a_history_that_is_none_is_told_by_name(tmp_path: Path, text: str) -> None:
    path = tmp_path / "recovery.json"
    path.write_text(text)
    with pytest.raises(HistoryError, match="recovery.json: not a history of restarts"):
        History.read(path)


# Words


def test_a_restart_is_told_with_all_that_changes() -> None:
    restart = replace(
        FULL.restarts[0], step=45, requests=(HALF_RATE, TWICE_AS_MANY, MORE_GUIDE), new_seed=True
    )
    told = restart_message(restart)
    english = render(told, Language.EN)
    assert "the attempt ended: non_finite at step 45. the worker gave no sign of life for 2.5 s" in english
    assert "restart 1 in 2 s: going on from step 40; with another seed; learning rate x 0.5; " in english
    assert "2 times as many micro-batches; guided attention x 2" in english
    assert "перезапуск 1 через 2 с: продолжение с шага 40; с другим начальным числом" in render(
        told, Language.RU
    )
    assert restart.changes == [
        "next seed",
        "learning_rate x 0.5",
        "micro_batches x 2",
        "guided_attention_weight x 2",
    ]
    assert "from the beginning" in render(restart_message(FULL.restarts[1]), Language.EN)


def test_giving_up_tells_the_whole_story() -> None:
    outcome, why = Outcome(HANG, EndPhrase.SILENT(seconds=5)), RecoveryPhrase.RESTARTS_USED(limit=3)
    told = render(given_up(outcome, why, FULL.restarts), Language.EN)
    assert told.startswith("the worker gave no sign of life for 5 s and was ended; given up after 3 restarts")
    assert "supervisor.max_restarts (3)" in told
    assert told.endswith("non_finite at step 45; attention_failed at step 305; crashed at step 5")
    assert "not tried again" in render(given_up(outcome, why, ()), Language.EN)
