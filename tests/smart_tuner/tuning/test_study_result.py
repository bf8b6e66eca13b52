"""What came out of a study: a preset that trains the winner's configuration, a record, words."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
import pytest

from smart_tuner.config import Config, load_config
from smart_tuner.messages import Language, TuningPhrase, render
from smart_tuner.records import EventWriter
from smart_tuner.tuning import study_result
from smart_tuner.tuning.importance import FEWEST_TRIALS, importances
from smart_tuner.tuning.samplers import plan_sampler
from smart_tuner.tuning.search_space import SearchSpace
from smart_tuner.tuning.study_folder import StudyFolder
from smart_tuner.tuning.study_record import finite
from smart_tuner.tuning.study_result import StudyResult, write_result
from smart_tuner.tuning.trial_facts import Fact, trial_seed
from tacotron2.events import StartedEvent
from tests.smart_tuner.tuning.judged_study import MISSED, end, judged_study

CONFIG = load_config("probe", ["tuning.trial_steps=60"])


@pytest.fixture(autouse=True)
def _without_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """They have tests of their own, and take their time."""
    monkeypatch.setattr(study_result, "_write_pictures", lambda *arguments: [])


@pytest.fixture
def folder(tmp_path: Path) -> StudyFolder:
    return StudyFolder(tmp_path / "runs" / "studies" / "night")


def written(study: optuna.Study, folder: StudyFolder, config: Config = CONFIG) -> StudyResult:
    space = SearchSpace.of(config)
    return write_result(study, folder, config, space, plan_sampler(config.tuning, space, 40))


def record_of(folder: StudyFolder) -> dict[str, Any]:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} in the record")

    content: dict[str, Any] = json.loads(folder.record_file.read_text(), parse_constant=refuse)
    return content


def test_the_winner_is_a_preset_that_trains_at_full_length(folder: StudyFolder) -> None:
    study = judged_study(CONFIG, 8)
    number = end(study, CONFIG, 0.95)
    result = written(study, folder)
    assert result.best is not None and (result.best.number, result.best.score) == (number, 0.95)

    best = load_config(folder.best_file)
    params = study.trials[number].params
    expected = SearchSpace.of(CONFIG).apply(CONFIG.hparams, params)
    assert best.hparams == expected
    work = best.hparams.train.max_steps * best.hparams.train.batch_size
    assert work == pytest.approx(CONFIG.hparams.train.max_steps * CONFIG.hparams.train.batch_size, rel=0.05)
    assert best.preset == "night-best"
    assert (best.attention, best.gate, best.data_folder) == (
        CONFIG.attention,
        CONFIG.gate,
        CONFIG.data_folder,
    )
    told = folder.best_file.read_text()
    seed = trial_seed(CONFIG.tuning.study_seed, number)
    assert all(word in told for word in (f"trial {number}", "score 0.9500", f"seed was {seed}"))


def test_the_gate_excludes_and_says_which_threshold_stopped_whom(folder: StudyFolder) -> None:
    study = judged_study(CONFIG)
    low = end(study, CONFIG, 0.5)
    high = end(study, CONFIG, 0.9, missed=[MISSED])
    result = written(study, folder)
    assert result.best is not None and result.best.number == low
    assert result.stopped == {high: (MISSED,)}
    assert record_of(folder)["stopped_by_gate"] == {str(high): [MISSED]}
    assert TuningPhrase.STOPPED_BY_GATE(trial=high, failures=MISSED) in result.lines


def test_without_a_winner_there_is_no_preset(folder: StudyFolder) -> None:
    study = judged_study(CONFIG)
    end(study, CONFIG, 0.9, missed=[MISSED])
    end(study, CONFIG, 0.8, "pruned")
    end(study, CONFIG, 0.0, "crashed")
    result = written(study, folder)
    assert result.best is None and result.stopped == {0: (MISSED,)}
    assert not folder.best_file.exists() and record_of(folder)["best"] is None


def test_the_record_counts_by_state_and_cause_and_a_resumed_trial_once(folder: StudyFolder) -> None:
    study = judged_study(CONFIG, 30)
    trial = study.ask(SearchSpace.of(CONFIG).distributions())
    trial.set_user_attr(Fact.CAUSE, "interrupted")
    study.tell(trial, state=optuna.trial.TrialState.FAIL)
    result, record = written(study, folder), record_of(folder)
    states = [each.state.name for each in study.trials]
    assert record["states"] == {name: states.count(name) for name in {*states}}
    crashed = states.count("FAIL") - 1
    assert crashed > 0 and record["failed_by"] == {"crashed": crashed, "interrupted": 1}
    assert result.lines[0].parameters["failed"] == crashed
    for each in record["trials"]:
        assert (each["score"] is not None) is (each["state"] == "COMPLETE")
    complete = next(each for each in record["trials"] if each["state"] == "COMPLETE")
    assert {"params", "parts", "proposer", "seconds", "steps", "cause", "gate_failures"} <= {*complete}
    assert complete["rungs"] == {"1": pytest.approx(0.9 * complete["score"])}
    assert record["rung_rank_correlation"] == {"1": pytest.approx(1.0)}
    assert record["steps"] == 30 * 30 and record["seconds"] == 60.0


def test_figures_that_are_not_finite_never_enter(folder: StudyFolder) -> None:
    study = judged_study(CONFIG)
    trial = study.ask(SearchSpace.of(CONFIG).distributions())
    trial.set_user_attr(Fact.CAUSE, "crashed")
    trial.set_user_attr(Fact.SECONDS, 1.0)
    trial.set_user_attr(Fact.PARTS, {"alignment": math.nan, "stop_score": 0.5})
    trial.report(math.inf, 1)
    study.tell(trial, state=optuna.trial.TrialState.FAIL)
    written(study, folder)
    told = record_of(folder)["trials"][0]
    assert told["parts"] == {"stop_score": 0.5} and told["rungs"] == {} and told["score"] is None
    assert finite({"a": [1.0, math.nan], "b": -math.inf}) == {"a": [1.0, None]}


def test_the_record_says_what_the_trials_ran_with(folder: StudyFolder) -> None:
    study = judged_study(CONFIG)
    trial = study.ask(SearchSpace.of(CONFIG).distributions())
    trial.set_user_attr(Fact.FOLDER, "studies/night/trials/trial-0000")
    run = folder.trial(0)
    run.path.mkdir(parents=True)
    event = StartedEvent(0, "cpu", "fp32", 1, 1, 10, 60, 4, 2, "abc123", {"torch": "2"})
    EventWriter(run.events_file).write(event)
    written(study, folder)
    assert record_of(folder)["made_with"] == {"commits": ["abc123"], "versions": {"torch": "2"}}


def test_importance_finds_what_matters_and_wants_enough_trials() -> None:
    study, space = judged_study(CONFIG), SearchSpace.of(CONFIG)
    for number in range(4 * FEWEST_TRIALS):
        if number == FEWEST_TRIALS - 1:
            assert importances(study) == {}
        trial = study.ask(space.distributions())
        study.tell(trial, 1.0 - trial.params["p_prenet_dropout"])
    shares = importances(study)
    assert next(iter(shares)) == "p_prenet_dropout"
    assert sum(shares.values()) == pytest.approx(1.0)
    assert list(shares) == sorted(shares, key=lambda name: -shares[name])


def test_where_all_are_equally_good_nothing_mattered() -> None:
    study, space = judged_study(CONFIG), SearchSpace.of(CONFIG)
    for _ in range(FEWEST_TRIALS + 2):
        study.tell(study.ask(space.distributions()), 0.5)
    assert importances(study) == {}


def test_the_table_fits_a_terminal_and_has_every_value(folder: StudyFolder) -> None:
    config = replace(CONFIG, hparams=CONFIG.hparams.replace(use_mmi=True, use_ddc=True, use_gst=True))
    study = judged_study(config, 30)
    result = written(study, folder, config)
    for language in Language:
        table = [render(line, language) for line in result.lines if line.phrase.name.startswith("TABLE_")]
        assert all(len(line) <= 80 for line in table)
        assert {len(line) for line in table} == {len(table[0])}  # the columns stand under one another
    best = result.best
    assert best is not None
    params = study.trials[best.number].params
    names = [line.parameters["name"] for line in result.lines if line.phrase is TuningPhrase.TABLE_VALUES]
    assert names == list(params)


def test_an_empty_study_has_a_result(folder: StudyFolder) -> None:
    result = written(judged_study(CONFIG), folder)
    assert result.best is None and result.stopped == {}
    needed = TuningPhrase.NO_IMPORTANCE(needed=FEWEST_TRIALS, trials=0)
    assert needed in result.lines
