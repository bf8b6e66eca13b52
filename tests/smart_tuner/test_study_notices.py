"""What of a study is told and answered, with trials that need no torch."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from optuna.trial import FrozenTrial, TrialState, create_trial

from smart_tuner.messages import EndPhrase, Language, render
from smart_tuner.notices import Notice, NoticeKind
from smart_tuner.records import ExitCause, Outcome
from smart_tuner.study_notices import StudyNotices
from smart_tuner.tuning.trial_facts import INTERRUPTED, Fact
from tests.smart_tuner.bot_server import BotServer
from tests.smart_tuner.toy_optimize import toy_job

ROOT = Path(__file__).parents[2]
TOKEN = "1234567890:AAHk_a-secret-token-of-a-bot-0123456"


class Collected:
    def __init__(self) -> None:
        self.notices: list[Notice] = []

    def tell(self, notice: Notice) -> None:
        self.notices.append(notice)

    def close(self) -> None:
        pass

    def words(self) -> list[str]:
        return [render(notice.message, Language.EN) for notice in self.notices]


def trial(
    number: int, state: TrialState, score: float | None = None, cause: str = "", shut: bool = False
) -> FrozenTrial:
    attributes = {Fact.CAUSE: cause or "completed", Fact.GATE_FAILURES: ["alignment"] if shut else []}
    made = create_trial(state=state, value=score, user_attrs=attributes)
    made.number = number
    return made


def test_each_trial_is_told_once_with_the_best_so_far() -> None:
    told, known = Collected(), [trial(0, TrialState.COMPLETE, 0.3)]
    notices = StudyNotices(told, "toy", 9, Language.EN, known)
    assert notices.status() == "study toy: 1 of 9 trials have ended\nbest so far: trial 0, score 0.300"
    trials = [
        *known,
        trial(1, TrialState.COMPLETE, 0.9, shut=True),
        trial(2, TrialState.FAIL, cause="non_finite"),
        trial(3, TrialState.FAIL, cause=INTERRUPTED),
        trial(4, TrialState.PRUNED, 0.1, cause="pruned"),
        trial(5, TrialState.RUNNING),
    ]
    notices.look(trials)
    notices.look(trials)
    assert told.words() == [
        "toy: trial 1: score 0.900; best so far: trial 0, score 0.300",
        "toy: trial 2 failed: non_finite; best so far: trial 0, score 0.300",
        "toy: trial 4: pruned, score 0.100; best so far: trial 0, score 0.300",
    ]
    notices.look([*trials, trial(6, TrialState.COMPLETE, 0.5)])
    assert told.words()[3:] == [
        "toy: trial 6: score 0.500; best so far: trial 6, score 0.500",
        "toy: new best: trial 6, score 0.500",
    ]
    assert [each.kind for each in told.notices[3:]] == [NoticeKind.TRIAL, NoticeKind.BEST_MODEL]


def test_the_end_of_a_study_names_its_winner_or_that_there_is_none() -> None:
    told = Collected()
    notices = StudyNotices(told, "toy", 9, Language.RU, [])
    notices.ended(Outcome(ExitCause.INTERRUPTED, EndPhrase.ON_REQUEST()))
    assert told.words()[0].endswith("no trial is above the gate yet. The same command goes on with it.")
    assert "порог пока не прошла" in render(told.notices[0].message, Language.RU)
    assert not notices.plot()[0].picture and not notices.say("Hello.").audio


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[BotServer]:
    monkeypatch.setenv("PYTHONPATH", f"{ROOT / 'src'}:{ROOT}")
    with BotServer() as bot:
        threading.Thread(target=bot.serve_forever, args=(0.01,), daemon=True).start()
        monkeypatch.setenv("SMART_TUNER_TELEGRAM_TOKEN", TOKEN)
        monkeypatch.setenv("SMART_TUNER_TELEGRAM_CHAT", "42")
        monkeypatch.setenv("SMART_TUNER_TELEGRAM_API", bot.api)
        yield bot
        bot.shutdown()


def test_a_study_with_a_bot_tells_its_trials_and_its_winner(tmp_path: Path, server: BotServer) -> None:
    assert toy_job(tmp_path, 2).optimize() == 0
    told = "\n".join(server.texts()).splitlines()
    trials = [line.partition(": score")[0] for line in told if line.startswith("toy: trial")]
    assert trials == ["toy: trial 0", "toy: trial 1"]
    assert any(line.startswith("toy: new best: trial") for line in told)
    assert told[-1].startswith("toy: the study has ended: ") and "best so far: trial" in told[-1]
