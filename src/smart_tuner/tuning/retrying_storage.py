"""Optuna's storage in a database, with every operation tried again until it is done, and done once.

A database that is locked or restarted must not end a study of many hours. But trying again is only right
where an operation that was done already, its answer being lost with the connection, is not done twice:

- Readings, attributes, parameters, intermediate values and heartbeats say what shall be there: written twice
  they are the same. (A parameter's second row is refused by the database and that refusal ignored.)
- A new trial gets a mark of its own in the same transaction. A further attempt looks for the mark first and,
  where it is, takes the trial that the lost answer was about.
- A change of state gets a mark likewise. Otherwise a worker could take its own claim of a trial for somebody
  else's, and nobody would run it; or two could believe to have failed a stale trial, and queue it twice.
- A new study has a name, and a name is given once: a further attempt may find it taken, which is
  `DuplicatedStudyError`, as if another process had been faster. Ask for studies with `load_if_exists=True`.
- Deleting a study is not tried again.

Beside that: a trial that runs has a heartbeat from its first moment, so that one whose process dies before
the first beat is found too; and on SQLite writers lock before they read, otherwise two processes could claim
the same waiting trial (the driver begins a transaction only at the first change).

One gap is Optuna's own: a process killed between failing another one's stale trial and queueing its
repetition leaves that trial failed and not repeated. It counts as failed; nothing runs twice.
"""

from __future__ import annotations

import copy
import json
import logging
import random
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial, wraps
from typing import TYPE_CHECKING, Any, TypeVar

from optuna.exceptions import StorageInternalError
from optuna.storages import RDBStorage
from optuna.storages._rdb.models import TrialHeartbeatModel, TrialModel, TrialSystemAttributeModel
from optuna.storages._rdb.storage import _create_scoped_session
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import event
from sqlalchemy.exc import SQLAlchemyError

from smart_tuner.messages import StudyStoragePhrase
from smart_tuner.tuning.storage_address import StorageAddress, StudyStorageError
from smart_tuner.tuning.storage_retries import Retries, driver_words, passes_by_itself

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection
    from sqlalchemy.orm import Session

CREATED, CHANGED = "smart_tuner:created_by", "smart_tuner:changed_by"
"""System attributes of a trial: the marks of the operations that made it and last changed its state."""
READINGS = (
    "get_study_id_from_name",
    "get_study_name_from_id",
    "get_study_directions",
    "get_study_user_attrs",
    "get_study_system_attrs",
    "get_all_studies",
    "get_trial",
    "get_trial_param",
    "get_trial_user_attrs",
    "get_trial_system_attrs",
    "get_trial_id_from_study_id_trial_number",
    "get_trial_number_from_id",
    "get_n_trials",
    "get_all_trials",
    "get_best_trial",
    "_get_trials",
    "_get_best_trial_id",
    "_get_stale_trial_ids",
)
OVERWRITINGS = (
    "set_study_user_attr",
    "set_study_system_attr",
    "set_trial_param",
    "_set_trial_param",
    "set_trial_intermediate_value",
    "set_trial_user_attr",
    "set_trial_system_attr",
)
_Result = TypeVar("_Result")
_logger = logging.getLogger(__name__)


class _Here(threading.local):
    """What this thread is doing in the storage."""

    tries_again = False
    writes = False
    mark = ""
    attempts_to_create = 0


class RetryingStorage(RDBStorage):
    """A study's database; see the module's text for what is tried again.

    Every operation raises `StudyStorageError` where the retries are used up, and at once where the database
    cannot be used: a full disk, a damaged file. What Optuna raises about studies and trials stays.
    """

    def __init__(
        self,
        address: StorageAddress,
        retries: Retries,
        engine_kwargs: dict[str, Any],
        sleep: Callable[[float], None] = time.sleep,
        **options: Any,
    ) -> None:
        self.address = address
        self._retries = retries
        self._sleep = sleep
        self._chance = random.Random()
        self._here = _Here()
        super().__init__(address.url, engine_kwargs, **options)
        if address.file is not None:
            self.engine.dispose()  # the connections that made the tables know nothing of the events
            event.listen(self.engine, "connect", _leave_transactions_to_us)
            event.listen(self.engine, "begin", self._begin)

    @staticmethod
    def _fill_storage_url_template(template: str) -> str:
        """The address as it is: braces in a folder's name or a password are no template."""
        return template

    def _begin(self, connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if self._here.writes else "BEGIN")

    def _again(self, operation: Callable[[], _Result], writes: bool) -> _Result:
        """The operation's result, after as many attempts as it takes.

        Raises:
            StudyStorageError: the last attempt failed like those before.
        """
        if self._here.tries_again:  # part of an operation that is tried again as a whole
            return operation()
        waits = self._retries.waits(self._chance)
        while True:
            try:
                with self._doing(writes):
                    return operation()
            except (StorageInternalError, SQLAlchemyError) as error:
                detail = self.address.without_secrets(driver_words(error))
                if not passes_by_itself(error):
                    phrase = StudyStoragePhrase.UNUSABLE
                    raise StudyStorageError(phrase(url=str(self.address), detail=detail)) from error
                wait = next(waits, None)
                if wait is None:
                    attempts = self._retries.attempts
                    phrase = StudyStoragePhrase.GAVE_UP
                    message = phrase(url=str(self.address), attempts=attempts, detail=detail)
                    raise StudyStorageError(message) from error
                _logger.info("%s: %s; tried again in %.1f s", self.address, detail, wait)
                self._sleep(wait)

    @contextmanager
    def _doing(self, writes: bool) -> Iterator[None]:
        self._here.tries_again, self._here.writes = True, writes
        try:
            yield
        finally:
            self._here.tries_again, self._here.writes = False, False

    def create_new_study(self, directions: Sequence[StudyDirection], study_name: str | None = None) -> int:
        name = study_name or f"study-{uuid.uuid4()}"  # chosen once: every attempt is about the same study
        return self._again(partial(super().create_new_study, directions, name), writes=True)

    def _create_new_trial(self, study_id: int, template_trial: FrozenTrial | None = None) -> FrozenTrial:
        if template_trial is not None:  # a repetition is made from a trial with marks
            template_trial = copy.copy(template_trial)
            attributes = template_trial.system_attrs.items()
            template_trial.system_attrs = {k: v for k, v in attributes if k not in (CREATED, CHANGED)}
        self._here.mark, self._here.attempts_to_create = uuid.uuid4().hex, 0
        return self._again(partial(super()._create_new_trial, study_id, template_trial), writes=True)

    def _get_prepared_new_trial(
        self, study_id: int, template_trial: FrozenTrial | None, session: Session
    ) -> TrialModel:
        self._here.attempts_to_create += 1  # Optuna, too, makes a few
        value = json.dumps(self._here.mark)
        if self._here.attempts_to_create > 1:
            marked = session.query(TrialSystemAttributeModel).filter_by(key=CREATED, value_json=value).first()
            if marked is not None:
                return TrialModel.find_or_raise_by_id(int(marked.trial_id), session)
        trial = super()._get_prepared_new_trial(study_id, template_trial, session)
        session.add(TrialSystemAttributeModel(trial_id=trial.trial_id, key=CREATED, value_json=value))
        if trial.state == TrialState.RUNNING:
            session.add(TrialHeartbeatModel(trial_id=trial.trial_id))
        return trial

    def set_trial_state_values(
        self, trial_id: int, state: TrialState, values: Sequence[float] | None = None
    ) -> bool:
        mark = uuid.uuid4().hex
        return self._again(partial(self._change_state, trial_id, state, values, mark), writes=True)

    def _change_state(
        self, trial_id: int, state: TrialState, values: Sequence[float] | None, mark: str
    ) -> bool:
        # Optuna's own part joins this transaction: a session belongs to its thread until it is closed.
        with _create_scoped_session(self.scoped_session) as session:
            trial = TrialModel.find_or_raise_by_id(trial_id, session, for_update=True)
            last = TrialSystemAttributeModel.find_by_trial_and_key(trial, CHANGED, session)
            if last is not None and json.loads(str(last.value_json)) == mark:
                return True
            claimable = state != TrialState.RUNNING or trial.state == TrialState.WAITING
            if claimable and not trial.state.is_finished():
                attributes = TrialSystemAttributeModel
                self._set_trial_attr_without_commit(session, attributes, trial_id, CHANGED, mark)
                if state == TrialState.RUNNING and not trial.heartbeats:
                    session.add(TrialHeartbeatModel(trial_id=trial_id))
            return super().set_trial_state_values(trial_id, state, values)

    def record_heartbeat(self, trial_id: int) -> None:
        """Record that the trial's process lives; a beat that fails is made up for by the next one."""
        try:
            with self._doing(writes=True):
                super().record_heartbeat(trial_id)
        except (StorageInternalError, SQLAlchemyError) as error:  # a thread's: nobody would catch it
            detail = self.address.without_secrets(driver_words(error))
            _logger.warning("%s: no heartbeat of the trial with id %d: %s", self.address, trial_id, detail)


def _leave_transactions_to_us(connection: Any, _record: object) -> None:
    connection.isolation_level = None


def _tried_again(name: str, writes: bool) -> Callable[..., Any]:
    plain = getattr(RDBStorage, name)

    @wraps(plain)
    def operation(self: RetryingStorage, *arguments: Any, **named: Any) -> Any:
        return self._again(partial(plain, self, *arguments, **named), writes)

    return operation


for _name in READINGS:
    setattr(RetryingStorage, _name, _tried_again(_name, writes=False))
for _name in OVERWRITINGS:
    setattr(RetryingStorage, _name, _tried_again(_name, writes=True))
