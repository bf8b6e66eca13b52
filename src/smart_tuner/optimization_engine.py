"""Which hyper-parameters give the best voice: answered by trials, short trainings that are judged by ear.

One engine is one slot: it works on one trial at a time and shares its study with any number of others, on
this machine or elsewhere. What a study is made of is in `smart_tuner.tuning`; the caller says how a trial is
run, in processes of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from smart_tuner.config import Config
from smart_tuner.messages import EndPhrase, Message, StudyPhrase
from smart_tuner.records import ExitCause, Outcome
from smart_tuner.tuning.abandoned import ask, beating, retry_abandoned, this_worker
from smart_tuner.tuning.budget import BudgetEnd, Spent
from smart_tuner.tuning.rungs import make_pruner
from smart_tuner.tuning.samplers import (
    before_evolution,
    completed_generations,
    has_begun,
    make_sampler,
    plan_sampler,
    proposer,
)
from smart_tuner.tuning.search_space import SearchSpace
from smart_tuner.tuning.study_folder import StudyFolder
from smart_tuner.tuning.study_identity import (
    budget_of,
    claim_data,
    claim_study,
    keep_budget,
    kept_budget,
    study_digest,
)
from smart_tuner.tuning.trial_facts import LARGEST_SEED, OVER_BUDGET, RUNNING, Fact, counts, is_answer, winner
from smart_tuner.tuning.trial_task import RunTrial, StudyEndedError, TrialFailedError, TrialTask, trial_task
from smart_tuner.tuning.trial_training import TrialTraining, queue_again, repeat_answer

if TYPE_CHECKING:
    from optuna.storages import BaseStorage
    from optuna.trial import FrozenTrial, Trial

__all__ = ["OptimizationEngine", "RunTrial", "TrialFailedError", "TrialTask", "study_digest"]

MOST_FAILURES = 5
"""Trials that fail before any other has had a score, after which the study ends."""


class OptimizationEngine:
    """The search of one study, in one slot.

    Args:
        config: what the trials vary; its sections `tuning`, `space` and `gate` say how.
        folder: the study's. The caller holds its lock, or joins a study that another command has begun.
        storage: from `smart_tuner.tuning.storage.open_storage`.
        run_trial: see `RunTrial`.
        tell: is given what the person who watches should know.
        slot: 0 for the command that began the study; every further worker has another number, so that no
            two of them propose the same.
        slots: how many work on the study together, as far as this command knows.
        before_complete: called before a trial counts as complete, to bring it where it is safe; a
            `TrialFailedError` of it makes the trial a failed one.

        asked_to_end: looked at between trials: the signal by which this process is to end.

    Raises:
        ConfigError: space, shares or budget are wrong, or the study of this name tunes something else.
    """

    def __init__(
        self,
        config: Config,
        folder: StudyFolder,
        storage: BaseStorage,
        run_trial: RunTrial,
        tell: Callable[[Message], None],
        *,
        slot: int = 0,
        slots: int = 1,
        before_complete: Callable[[TrialTask], None] = lambda task: None,
        asked_to_end: Callable[[], ExitCause | None] = lambda: None,
    ) -> None:
        import optuna

        tuning = config.tuning
        self._config = config
        self._folder = folder
        self._tell = tell
        self._slots = slots
        self._asked_to_end = asked_to_end
        self.space = SearchSpace.of(config)
        self.plan = plan_sampler(tuning, self.space, tuning.trials)
        self._slot = slot
        self._aimed = False
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self.study = optuna.create_study(
            storage=storage,
            study_name=folder.name,
            pruner=make_pruner(tuning.pruning_factor),
            direction="maximize",
            load_if_exists=True,
        )
        self._generations = completed_generations(self.trials(), self.plan)
        claim_study(self.study, config, self.space)
        if slot == 0:
            keep_budget(self.study, config)
        self._kept_budget = kept_budget(self.study)
        self.budget = self._kept_budget or budget_of(config)
        self._training = TrialTraining(config, self.space, folder, run_trial, tell, before_complete)

    @property
    def num_trials(self) -> int:
        """Trials that were begun so far."""
        return sum(trial.state.name != "WAITING" for trial in self.trials())

    def trials(self) -> list[FrozenTrial]:
        """All trials of the study."""
        return self.study.get_trials(deepcopy=False)

    def measuring(self) -> TrialTask:
        """What is measured before the first trial: the preset at the length of a trial."""
        preset = self.space.values_of(self._config.hparams)
        task = trial_task(self._config, self.space, self._folder, 0, preset)
        return replace(task, run=self._folder.measuring)

    def require_data(self, digests: Sequence[str]) -> None:
        """See that all who work on the study learn from the same recordings; the first one says which.

        Raises:
            ConfigError: these are others.
        """
        claim_data(self.study, digests)

    def run(self) -> Outcome:
        """Trials until the budget is used up, or something ends the study; what that was."""
        try:
            while True:
                if cause := self._asked_to_end():
                    return Outcome(cause, EndPhrase.ON_REQUEST())
                if end := self._left():
                    return Outcome(ExitCause.COMPLETED, StudyPhrase.BUDGET_USED(what=self._named(end)))
                self._aim()
                self._work_on(ask(self.study))
                self._look_at_failures()
                self._look_at_generations()
        except StudyEndedError as error:
            return error.outcome
        except KeyboardInterrupt:  # between two trials
            return Outcome(ExitCause.INTERRUPTED, EndPhrase.ON_REQUEST())

    def _left(self) -> BudgetEnd | None:
        """What of the budget is used up, when the trials of workers that have died are queued again."""
        found = retry_abandoned(self.study)
        if found:
            self._tell(StudyPhrase.TRIAL_CUT_OFF(count=found))
        kept = kept_budget(self.study)
        if kept is not None and kept != self._kept_budget:  # who leads the study was given another one
            self._kept_budget = self.budget = kept
        steps = self._config.tuning.trial_steps or self._config.hparams.train.max_steps
        return self.budget.used_up(self._spent(), self._slots, steps)

    def _named(self, end: BudgetEnd) -> Message:
        budget = self.budget
        return {
            BudgetEnd.TRIALS: StudyPhrase.NO_TRIALS_LEFT(limit=budget.trials),
            BudgetEnd.HOURS: StudyPhrase.NO_HOURS_LEFT(limit=budget.hours),
            BudgetEnd.STEPS: StudyPhrase.NO_STEPS_LEFT(limit=budget.steps),
        }[end]

    def _spent(self) -> list[Spent]:
        trials = [trial for trial in self.trials() if counts(trial)]
        return [
            Spent(
                float(trial.user_attrs.get(Fact.SECONDS, 0.0)),
                int(trial.user_attrs.get(Fact.STEPS, 0)),
                not trial.state.is_finished(),
            )
            for trial in trials
        ]

    def _look_at_failures(self) -> None:
        """Where nothing ever works, the next trial will not either."""
        over = [trial for trial in self.trials() if counts(trial) and trial.state.is_finished()]
        if len(over) >= MOST_FAILURES and all(trial.state.name == "FAIL" for trial in over):
            last = over[-1].user_attrs
            reason = StudyPhrase.NOTHING_WORKS(
                trials=len(over), cause=last[Fact.CAUSE], detail=last.get(Fact.REASON, "")
            )
            raise StudyEndedError(Outcome(ExitCause.CRASHED, reason))

    def _aim(self) -> None:
        """Until CMA-ES has begun: let it begin around the best values so far, those of the first trials."""
        if self._aimed:
            return
        trials = self.trials()
        best = winner(before_evolution(trials))
        around = best.params if best else self.space.values_of(self._config.hparams)
        # A worker that goes on with a study must not propose once more what it proposed then.
        seed = self._config.tuning.study_seed * 1_000_003 + self._slot * 10_007 + len(trials)
        self.study.sampler = make_sampler(self.plan, seed % LARGEST_SEED, around)
        self._aimed = self.plan.kind != "cma-es" or has_begun(trials)

    def _look_at_generations(self) -> None:
        generations = completed_generations(self.trials(), self.plan)
        if generations > self._generations:
            self._generations = generations
            if self._slot == 0:  # the others see it too
                self._tell(StudyPhrase.GENERATION(generation=generations))

    def _work_on(self, trial: Trial) -> None:
        """Tell the study what becomes of a trial.

        What is raised but `StudyEndedError` leaves it running: when this process is gone, it goes on.

        Raises:
            StudyEndedError
        """
        from optuna import TrialPruned
        from optuna.exceptions import UpdateFinishedTrialError
        from optuna.trial import TrialState

        score, state, ended = None, TrialState.FAIL, None
        try:
            with beating(self.study, trial):
                try:
                    score, state = self._score(trial), TrialState.COMPLETE
                except TrialPruned:
                    state = TrialState.PRUNED
                except TrialFailedError as error:
                    self._tell_failure(trial, error)
                except StudyEndedError as error:
                    ended = error
                except KeyboardInterrupt:  # not in the training, which would have been asked to end
                    ended = StudyEndedError(Outcome(ExitCause.INTERRUPTED, EndPhrase.ON_REQUEST()))
                    queue_again(trial, ended.outcome.message)
            taken = self.study.tell(trial, score, state, skip_if_finished=True).state != state
        except UpdateFinishedTrialError:
            taken = True
        if taken:  # our heartbeats did not come through for a while: another worker goes on with it
            self._tell(StudyPhrase.TRIAL_TAKEN(trial=trial.number))
        if ended is not None:
            raise ended

    def _tell_failure(self, trial: Trial, error: TrialFailedError) -> None:
        trial.set_user_attr(Fact.CAUSE, error.cause)
        trial.set_user_attr(Fact.REASON, str(error))
        self._tell(StudyPhrase.TRIAL_FAILED(trial=trial.number, cause=error.cause, detail=str(error)))

    def _score(self, trial: Trial) -> float:
        """The answer of a trial.

        Raises:
            TrialFailedError, StudyEndedError, optuna.TrialPruned
        """
        trial.set_user_attr(Fact.WORKER, this_worker())
        trial.set_user_attr(Fact.CAUSE, RUNNING)
        before = sum(counts(each) for each in self.trials() if each.number < trial.number)
        if before >= self.budget.trials:  # another slot has begun the last one in the same moment
            trial.set_user_attr(Fact.CAUSE, OVER_BUDGET)
            reason = StudyPhrase.BUDGET_USED(what=self._named(BudgetEnd.TRIALS))
            raise StudyEndedError(Outcome(ExitCause.COMPLETED, reason))
        params = self._suggested(trial)
        frozen = self.trials()[trial.number]
        proposed_by = proposer(frozen, self.plan, sum(map(is_answer, self.trials())))
        trial.set_user_attr(Fact.PROPOSER, proposed_by)
        earlier = self._same(frozen)
        if earlier is not None:
            self._tell(StudyPhrase.TRIAL_REPEATED(trial=trial.number, earlier=earlier.number))
            return repeat_answer(trial, earlier)
        self._tell(StudyPhrase.TRIAL_BEGINS(trial=trial.number, proposer=proposed_by))
        return self._training.score(trial, frozen, params)

    def _suggested(self, trial: Trial) -> dict[str, Any]:
        for each in self.space.dimensions:
            if each.kind == "float":
                trial.suggest_float(each.leaf, each.low, each.high, log=each.log)
            elif each.kind == "int":
                trial.suggest_int(each.leaf, int(each.low), int(each.high), log=each.log)
            else:
                trial.suggest_categorical(each.leaf, each.choices)
        return dict(trial.params)

    def _same(self, frozen: FrozenTrial) -> FrozenTrial | None:
        """An earlier trial of the same values that has an answer already."""
        return next(
            (each for each in self.trials() if is_answer(each) and each.params == frozen.params), None
        )
