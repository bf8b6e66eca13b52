"""Records of a run in words, for the person in front of the screen."""

from __future__ import annotations

from smart_tuner.cures import BEGUN, CURE, KEPT, UNDONE, VOID
from smart_tuner.decisions import Decision
from smart_tuner.diagnosis import Trouble
from smart_tuner.messages import (
    ControlPhrase,
    DiagnosisPhrase,
    EndPhrase,
    IncidentPhrase,
    Language,
    Message,
    Phrase,
    TrainingPhrase,
    render,
)
from smart_tuner.records import ExitCause
from tacotron2.events import (
    CureEvent,
    DataEvent,
    DecisionEvent,
    DiagnosisEvent,
    EstimateEvent,
    ExaminedEvent,
    IncidentEvent,
    KnobEvent,
    Stamped,
    StartedEvent,
    StepEvent,
    ValidationEvent,
)

STAGES: dict[str, Phrase] = {
    "data": TrainingPhrase.STAGE_DATA,
    "features": TrainingPhrase.STAGE_FEATURES,
    "estimate": TrainingPhrase.STAGE_ESTIMATE,
    "training": TrainingPhrase.STAGE_TRAINING,
    "examination": TrainingPhrase.STAGE_EXAMINATION,
}
SPLITS: dict[str, Phrase] = {
    "recordings": TrainingPhrase.SPLIT_RECORDINGS,
    "train": TrainingPhrase.SPLIT_TRAIN,
    "validation": TrainingPhrase.SPLIT_VALIDATION,
    "test": TrainingPhrase.SPLIT_TEST,
}
CAUSES: dict[ExitCause, Phrase] = {
    ExitCause.COMPLETED: EndPhrase.COMPLETED,
    ExitCause.STOPPED: EndPhrase.STOPPED,
    ExitCause.NO_VOICE: EndPhrase.NO_VOICE,
    ExitCause.NON_FINITE: EndPhrase.NON_FINITE,
    ExitCause.OUT_OF_MEMORY: EndPhrase.OUT_OF_MEMORY,
    ExitCause.ATTENTION_FAILED: EndPhrase.ATTENTION_FAILED,
    ExitCause.UNSTABLE: EndPhrase.UNSTABLE,
    ExitCause.DATA_ERROR: EndPhrase.DATA_ERROR,
    ExitCause.STORAGE_ERROR: EndPhrase.STORAGE_ERROR,
    ExitCause.CONFIGURATION_ERROR: EndPhrase.CONFIGURATION_ERROR,
    ExitCause.INTERRUPTED: EndPhrase.INTERRUPTED,
    ExitCause.TERMINATED: EndPhrase.TERMINATED,
    ExitCause.CRASHED: EndPhrase.CRASHED,
    ExitCause.HUNG: EndPhrase.HUNG,
}
STATES: dict[str, Phrase] = {
    "running": EndPhrase.STATE_RUNNING,
    "unfinished": EndPhrase.STATE_UNFINISHED,
    "unreadable": EndPhrase.STATE_UNREADABLE,
    **{cause.value: phrase for cause, phrase in CAUSES.items()},
}
INCIDENTS: dict[str, Phrase] = {
    "non_finite_update": IncidentPhrase.NON_FINITE_UPDATE,
    "exploding_norm": IncidentPhrase.EXPLODING_NORM,
    "vanishing_norm": IncidentPhrase.VANISHING_NORM,
    "loss_spike": IncidentPhrase.LOSS_SPIKE,
    "attention_collapse": IncidentPhrase.ATTENTION_COLLAPSE,
    "gate_collapse": IncidentPhrase.GATE_COLLAPSE,
    "validation_loss": IncidentPhrase.VALIDATION_LOSS,
    "poisoned_clip": IncidentPhrase.POISONED_CLIP,
    "bad_clip": IncidentPhrase.BAD_CLIP,
    "micro_batch": IncidentPhrase.MICRO_BATCH,
}
TROUBLES: dict[str, Phrase] = {
    Trouble.INSTABILITY.value: DiagnosisPhrase.INSTABILITY,
    Trouble.STAGNATION.value: DiagnosisPhrase.STAGNATION,
    Trouble.ATTENTION_DIFFUSE.value: DiagnosisPhrase.ATTENTION_DIFFUSE,
    Trouble.ATTENTION_STUCK.value: DiagnosisPhrase.ATTENTION_STUCK,
    Trouble.ATTENTION_SKIPPING.value: DiagnosisPhrase.ATTENTION_SKIPPING,
    Trouble.ATTENTION_REPEATING.value: DiagnosisPhrase.ATTENTION_REPEATING,
    Trouble.NEVER_STOPS.value: DiagnosisPhrase.NEVER_STOPS,
    Trouble.STOPS_EARLY.value: DiagnosisPhrase.STOPS_EARLY,
    Trouble.OVERFITTING.value: DiagnosisPhrase.OVERFITTING,
    Trouble.DATA_SPEAKER.value: DiagnosisPhrase.DATA_SPEAKER,
    Trouble.DATA_LENGTH.value: DiagnosisPhrase.DATA_LENGTH,
    Trouble.DATA_FILES.value: DiagnosisPhrase.DATA_FILES,
    Trouble.PLATEAU.value: DiagnosisPhrase.PLATEAU,
}
CURES: dict[str, Phrase] = {
    BEGUN: DiagnosisPhrase.CURE_BEGUN,
    KEPT: DiagnosisPhrase.CURE_KEPT,
    UNDONE: DiagnosisPhrase.CURE_UNDONE,
    VOID: DiagnosisPhrase.CURE_VOID,
}
ASKED_BY: dict[str, Phrase] = {
    "guard": ControlPhrase.BY_GUARD,
    "supervisor": DiagnosisPhrase.BY_SUPERVISOR,
}
MOST_CHARACTERS_TOLD, MOST_NAMES_TOLD = 5, 3


def named(name: str, phrases: dict[str, Phrase], language: Language) -> str:
    """The word for a name in a record; the name itself where there is none."""
    return render(phrases[name](), language) if name in phrases else name


def sentence(stamped: Stamped, language: Language) -> str:
    """The sentence for a record that deserves one, otherwise an empty string."""
    event = stamped.event
    if isinstance(event, StartedEvent):
        return render(_started(event), language)
    if isinstance(event, EstimateEvent):
        cost = TrainingPhrase.ESTIMATED(
            train_seconds=event.train_seconds, step_seconds=event.step_seconds, disk=event.disk_bytes
        )
        return render(cost, language)
    if isinstance(event, DataEvent):
        return _not_used(event, language)
    if isinstance(event, ValidationEvent):
        figures = ", ".join(render(figure, language) for figure in _validation_figures(event))
        return render(TrainingPhrase.VALIDATED(step=event.step, figures=figures), language)
    if isinstance(event, IncidentEvent):
        return _incident(event, language)
    if isinstance(event, DecisionEvent):
        return _decision(event, language)
    if isinstance(event, DiagnosisEvent):
        told = DiagnosisPhrase.FOUND(step=event.step, trouble=trouble_found(event))
        return render(told, language)
    if isinstance(event, CureEvent):
        return render(cure_told(event), language)
    if isinstance(event, KnobEvent):
        return _turned(event, language)
    if isinstance(event, ExaminedEvent):
        return render(TrainingPhrase.EXAMINED(checkpoint=event.checkpoint), language)
    return ""


def _incident(event: IncidentEvent, language: Language) -> str:
    about = subject(event)
    told = IncidentPhrase.HAPPENED(
        step=event.step,
        what=named(event.incident, INCIDENTS, language),
        subject=IncidentPhrase.SUBJECT(subject=about) if about else "",
    )
    return render(told, language)


def _decision(event: DecisionEvent, language: Language) -> str:
    told = ControlPhrase.DECIDED(step=event.step, reason=Decision.of(event).message)
    return render(told, language)


def trouble_found(event: DiagnosisEvent) -> Message:
    """What is wrong, with the figures that the sentence has."""
    phrase = TROUBLES[event.trouble]
    values = {name: event.evidence[name] for name in phrase.placeholders}
    lists = {name: ", ".join(value) for name, value in values.items() if isinstance(value, list)}
    return Message(phrase, values | lists)


def cure_told(event: CureEvent) -> Message:
    """What became of a cure."""
    phrase = CURES[event.state]
    return Message(phrase, {name: getattr(event, name) for name in phrase.placeholders})


def _turned(event: KnobEvent, language: Language) -> str:
    """Nothing of a cure: its own record tells that."""
    if event.by == CURE:
        return ""
    by = named(event.by, ASKED_BY, language)
    told = DiagnosisPhrase.KNOB_TURNED(
        step=event.step, knob=event.knob, before=event.before, after=event.after, by=by
    )
    return render(told, language)


def subject(event: IncidentEvent) -> str:
    """Names of what was wrong, or the figure; nothing where there is neither."""
    details = event.details
    for key in ("culprits", "terms", "layers", "utterance"):
        value = details.get(key)
        if value and not isinstance(value, dict):  # layers with sizes: those of a norm
            return value if isinstance(value, str) else ", ".join(value[:MOST_NAMES_TOLD])
    figures = ("norm", "reference", "attention_alignment", "gate_accuracy", "val_loss")
    return next((f"{name} {details[name]:.3g}" for name in figures if details.get(name) is not None), "")


def _started(event: StartedEvent) -> Message:
    resumed = event.resumed_from_step
    return TrainingPhrase.STARTED(
        begin=TrainingPhrase.BEGIN() if resumed is None else TrainingPhrase.RESUME(step=resumed),
        parameters=event.parameters,
        clips=event.train_clips,
        steps=event.max_steps,
        device=event.device,
        precision=event.precision,
        threads=event.threads,
        processes=TrainingPhrase.SHARED(count=event.processes) if event.processes > 1 else "",
        seed=event.seed,
    )


def _validation_figures(event: ValidationEvent) -> list[Message]:
    figures: list[tuple[Phrase, float | None]] = [
        (TrainingPhrase.VAL_LOSS, event.teacher_forced.get("val_loss")),
        (TrainingPhrase.GATE_ACCURACY, event.teacher_forced.get("gate_accuracy")),
        (TrainingPhrase.FREE_ALIGNMENT, event.free_running.get("attention_alignment")),
        (TrainingPhrase.QUALITY, event.quality),
    ]
    return [phrase(value=value) for phrase, value in figures if value is not None]


def _not_used(event: DataEvent, language: Language) -> str:
    """What of a split is missing from the training; nothing to say where nothing is."""
    parts = []
    if event.left_out:
        whole = event.clips + event.left_out
        parts.append(render(TrainingPhrase.LEFT_OUT(count=event.left_out, whole=whole), language))
    if event.dropped_characters:
        counted = sorted(event.dropped_characters.items(), key=lambda item: -item[1])
        often = ", ".join(
            render(_dropped(character, count), language)
            for character, count in counted[:MOST_CHARACTERS_TOLD]
        )
        count = sum(event.dropped_characters.values())
        parts.append(render(TrainingPhrase.DROPPED(count=count, often=often), language))
    if not parts:
        return ""
    split = named(event.split, SPLITS, language)
    return render(TrainingPhrase.NOT_USED(split=split, parts="; ".join(parts)), language)


def _dropped(character: str, count: int) -> Message:
    if count == 1:
        return TrainingPhrase.DROPPED_ONCE(character=repr(character))
    return TrainingPhrase.DROPPED_TIMES(character=repr(character), count=count)


def losses(event: StepEvent, language: Language) -> str:
    """Every loss and figure of a step record."""
    each = (TrainingPhrase.LOSS(name=name, value=value) for name, value in event.losses.items())
    words = TrainingPhrase.LOSSES(
        step=event.step,
        losses=", ".join(render(loss, language) for loss in each),
        grad_norm=event.grad_norm,
        learning_rate=event.learning_rate,
        wait=event.data_wait_share,
    )
    return render(words, language)
