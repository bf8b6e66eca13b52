"""What is tried against a trouble, when it is judged, kept and undone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from smart_tuner.config import AttentionSettings, Config
from smart_tuner.controllers import Controllers
from smart_tuner.cure_settings import CureSettings
from smart_tuner.early_stop_settings import EarlyStopSettings
from tacotron2.events import CureEvent, DecisionEvent, Event, KnobEvent, RestartEvent, Stamped
from tacotron2.hparams import HParams
from tests.smart_tuner.courses import FIRST_LOSS, incident, started, step, validation

HPARAMS = HParams().replace(max_steps=2000, validate_every=100)
NEVER = {"never_stopped_rate": 1.0, "stop_score": 0.0}
SKIPS = {"skip_rate": 0.4}


def config(cure: CureSettings | None = None, early: EarlyStopSettings | None = None) -> Config:
    off = EarlyStopSettings(early_stopping=False)
    attention = AttentionSettings(deadline_steps=5000)
    return Config("x", HPARAMS, attention=attention, early_stop=early or off, cure=cure or CureSettings())


class Training:
    """A run that does what the controllers ask for, within the bounds of its knobs."""

    def __init__(self, chosen: Config, history: Iterable[Event] = (), highest: float = 64.0) -> None:
        self.events = list(history)
        self.scales: dict[str, float] = {}
        self._highest = highest
        stamped = [Stamped(0.0, event) for event in self.events]
        self.controllers = Controllers(chosen, stamped)

    def note(self, event: Event) -> list[Event]:
        self.events.append(event)
        told = self.controllers.note(event)
        self.events += told
        return told

    def validate(
        self, number: int, forced: Mapping[str, float] | None = None, free: Mapping[str, float] | None = None
    ) -> list[Event]:
        """Two records and a validation; what was decided at it."""
        self.note(step(number, FIRST_LOSS if number == 100 and not self.events else 2.0))
        told = self.note(validation(number, forced, free))
        for knob, factor, at, by, reason in self.controllers.adjustments():
            before = self.scales.get(knob, 1.0)
            after = min(before * factor, self._highest)
            self.scales[knob] = after
            if after != before:
                self.note(KnobEvent(at, knob, before, after, by, reason))
        return told

    def states(self) -> list[tuple[int, str, str]]:
        cures = [event for event in self.events if isinstance(event, CureEvent)]
        return [(cure.step, cure.state, cure.knob) for cure in cures]


def test_a_cure_that_helps_is_kept_and_the_trouble_not_treated_again() -> None:
    training = Training(config())
    for number in (100, 200):
        training.validate(number, free=NEVER)
    assert training.scales == {"gate_positive_weight": 16.0}
    for number in (300, 400, 500, 600):
        assert training.controllers.requested() is None
        training.validate(number)
    assert training.states() == [
        (200, "begun", "gate_positive_weight"),
        (400, "kept", "gate_positive_weight"),
    ]


def test_one_that_harms_is_undone_and_not_tried_again() -> None:
    training = Training(config())
    for number in (100, 200):
        training.validate(number, free=NEVER)
    for number in (300, 400, 500, 600, 700, 800):
        training.validate(number, free=NEVER | {"attention_alignment": 0.1})
    assert training.states() == [
        (200, "begun", "gate_positive_weight"),
        (400, "undone", "gate_positive_weight"),
    ]
    assert training.scales == {"gate_positive_weight": 1.0}


def test_what_a_bound_cuts_is_undone_by_as_much_and_what_it_leaves_nothing_of_is_void() -> None:
    training = Training(config(), highest=4.0)
    for number in (100, 200):
        training.validate(number, free=NEVER)
    assert training.scales == {"gate_positive_weight": 4.0}
    for number in (300, 400):
        training.validate(number, free=NEVER | {"attention_alignment": 0.1})
    assert training.scales == {"gate_positive_weight": 1.0}
    nothing = Training(config(), highest=1.0)
    for number in (100, 200, 300, 400, 500):
        nothing.validate(number, free=NEVER)
    assert nothing.states() == [
        (200, "begun", "gate_positive_weight"),
        (300, "void", "gate_positive_weight"),
    ]


def test_what_helped_a_little_is_done_again_after_a_pause_and_what_did_nothing_is_not() -> None:
    low = {"attention_alignment": 0.02, "attention_coverage": 0.2, "attention_focus": 0.3}
    slow = [low, low, low, low, low | {"attention_alignment": 0.021}, low, low, low, low, low]
    scores = [0.0, 0.0, 0.1, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2]
    training = Training(config())
    training.note(step(10, FIRST_LOSS))
    for number, (forced, score) in enumerate(zip(slow, scores, strict=True), start=1):
        for each in range(5):
            training.note(step(100 * number - 50 + 10 * each, 5.8))
        training.note(step(100 * number, 5.8))
        free = {"attention_alignment": 0.02, "stop_score": score * 4}
        training.note(validation(100 * number, forced, free))
        for knob, factor, at, by, reason in training.controllers.adjustments():
            training.note(KnobEvent(at, knob, 1.0, factor, by, reason))
    assert training.states() == [
        (200, "begun", "learning_rate"),
        (400, "kept", "learning_rate"),  # the objective rose: there may be more to gain
        (600, "begun", "learning_rate"),
        (800, "kept", "learning_rate"),  # it did not rise again
    ]


def test_experience_decides_what_is_tried_first() -> None:
    deaf = {"attention_alignment": 0.02, "attention_coverage": 0.2, "attention_focus": 0.3}
    for experience, first in (
        ({}, "guided_attention_weight"),
        ({("attention_diffuse", "learning_rate", 2.0): 0.1}, "learning_rate"),
        ({("attention_diffuse", "learning_rate", 2.0): -0.1}, "guided_attention_weight"),
    ):
        controllers = Controllers(config(), experience=experience)
        told: list[Event] = []
        controllers.note(step(10, FIRST_LOSS))
        for number in (100, 200):
            controllers.note(step(number))
            told += controllers.note(validation(number, deaf, {"attention_alignment": 0.02}))
        assert [each.knob for each in told if isinstance(each, CureEvent)] == [first]


def test_a_cure_that_cannot_do_anything_is_passed_over() -> None:
    deaf = {"attention_alignment": 0.02, "attention_coverage": 0.2, "attention_focus": 0.3}
    controllers = Controllers(config())
    told: list[Event] = []
    controllers.note(step(10, FIRST_LOSS))
    for number in (100, 200):
        controllers.note(step(number, guide=0.0))  # the schedule of guided attention has ended
        told += controllers.note(validation(number, deaf, {"attention_alignment": 0.02}))
    assert [each.knob for each in told if isinstance(each, CureEvent)] == ["learning_rate"]


def test_a_young_attention_that_skips_begins_anew_while_there_are_seeds() -> None:
    training = Training(config())
    for number in (100, 200):
        told = training.validate(number, SKIPS, SKIPS)
    assert [each.reason for each in told if isinstance(each, DecisionEvent)] == ["attention_skips"]
    assert training.controllers.requested() == "attention_failed"
    restart = RestartEvent(1, "attention_failed", 200, None, [], 0.0)
    used = [restart] * HPARAMS_SEEDS
    again = Training(config(), [*used, started()])
    for number in (100, 200):
        told = again.validate(number, SKIPS, SKIPS)
    assert [each for each in told if isinstance(each, DecisionEvent)] == []
    old = Training(config())
    for number in (1100, 1200):
        told = old.validate(number, SKIPS, SKIPS)
    assert [each for each in told if isinstance(each, DecisionEvent)] == []


HPARAMS_SEEDS = AttentionSettings().max_new_seeds


def test_what_became_unstable_before_it_learned_anything_begins_anew_at_a_lower_rate() -> None:
    low = {"attention_alignment": 0.1}
    for alignment, restarts, cause, knobs in (
        (low, 0, "unstable", []),
        (low, 2, None, ["learning_rate"]),
        ({}, 0, None, ["learning_rate"]),  # there is something to lose
        ({"attention_alignment": 0.35}, 0, None, ["learning_rate"]),
    ):
        restart = RestartEvent(1, "unstable", 200, None, [], 0.0)
        training = Training(config(), [*[restart] * restarts, started()])
        for number in (100, 200):
            training.note(incident(number - 50))
            training.validate(number, alignment, alignment)
        assert training.controllers.requested() == cause
        assert [knob for _, _, knob in training.states()] == knobs


def test_a_plateau_below_its_target_is_treated_and_ends_the_training_when_nothing_is_left() -> None:
    early = EarlyStopSettings(
        alignment_patience_validations=2,
        alignment_attention_threshold=0.9,
        learning_patience_validations=2,
        learning_attention_threshold=0.9,
    )
    training = Training(config(early=early))
    ended = 0
    for number in range(100, 1500, 100):
        training.validate(number)
        if training.controllers.requested():
            ended = number
            break
    assert training.states() == [
        (300, "begun", "learning_rate"),
        (500, "kept", "learning_rate"),
        (600, "begun", "learning_rate"),
        (800, "kept", "learning_rate"),
    ]
    assert ended == 900 and training.controllers.requested() == "stopped"


def test_without_cures_it_is_told_and_nothing_is_tried() -> None:
    training = Training(config(CureSettings(curing=False)))
    for number in (100, 200, 300):
        training.validate(number, free=NEVER)
    assert training.states() == [] and training.scales == {}
    assert [event.kind for event in training.events].count("diagnosis") == 1


def test_an_attempt_that_goes_on_decides_as_one_that_was_never_interrupted() -> None:
    def figures(number: int) -> Mapping[str, float]:
        return NEVER if number < 400 else {}

    whole = Training(config())
    for number in range(100, 900, 100):
        whole.validate(number, free=figures(number))
    for cut in range(100, 800, 100):
        first = Training(config())
        for number in range(100, cut + 100, 100):
            first.validate(number, free=figures(number))
        second = Training(config(), [*first.events, started(cut)])
        second.scales = dict(first.scales)
        for number in range(cut + 100, 900, 100):
            second.validate(number, free=figures(number))
        assert second.states() == whole.states() and second.scales == whole.scales
