"""What the writers of MLflow and TensorBoard and the servers that show it agree on: places and names."""

from __future__ import annotations

from pathlib import Path

from tacotron2.events import (
    DiagnosisEvent,
    Event,
    ExaminedEvent,
    FinishedEvent,
    IncidentEvent,
    KnobEvent,
    ReportEvent,
    RestartEvent,
    StepEvent,
    ValidationEvent,
)


class TrackingStoreError(RuntimeError):
    """The store of a writer cannot be used now (locked, full, broken); trying again later may help."""


def database_path(tracking_root: Path) -> Path:
    """MLflow's own SQLite file; it never shares one with Optuna."""
    return tracking_root.resolve() / "mlflow.db"


def database_uri(tracking_root: Path) -> str:
    """The store as MLflow names it, absolute."""
    return f"sqlite:///{database_path(tracking_root)}"


def artifact_folder(tracking_root: Path) -> Path:
    """Pictures, sounds and registered voices, absolute."""
    return tracking_root.resolve() / "mlartifacts"


def artifact_uri(tracking_root: Path) -> str:
    """Absolute `file:` address, so that server and writer agree whatever their working folders are."""
    return artifact_folder(tracking_root).as_uri()


def event_scalars(event: Event) -> tuple[int, dict[str, float]]:
    """The numbers of one event under the names shown, and the training step they belong to (0 where none).

    Both interfaces group by what stands before the last or first slash and sort by name: diagnoses (their
    confidence), incidents and restarts (the count so far), reports, training, validation, then `voice`, the
    figures of the final examination.
    """
    match event:
        case StepEvent():
            scheduled = {
                "train/n_frames_per_step": event.n_frames_per_step,
                "train/teacher_forcing": event.teacher_forcing,
            }
            return event.step, {
                **{f"train/loss/{name}": value for name, value in event.losses.items()},
                "train/reference_loss": event.train_reference_loss,
                "train/epoch": float(event.epoch),
                "train/learning_rate": event.learning_rate,
                "train/guided_attention_weight": event.guided_attention_weight,
                **{name: float(value) for name, value in scheduled.items() if value is not None},
                "train/grad_norm": event.grad_norm,
                "train/speed/mel_frames_per_s": event.mel_frames_per_s,
                "train/speed/data_wait_share": event.data_wait_share,
                "train/speed/step_seconds": event.step_seconds,
            }
        case ValidationEvent():
            quality = {} if event.quality is None else {"validation/quality": event.quality}
            return event.step, {
                **{
                    f"validation/teacher_forced/{name}": value for name, value in event.teacher_forced.items()
                },
                **{f"validation/free_running/{name}": value for name, value in event.free_running.items()},
                **quality,
                "validation/seconds": event.seconds,
            }
        case ReportEvent():
            return event.step, report_scalars(event)
        case IncidentEvent():
            return event.step, {f"recovery/{event.incident}": 1.0}
        case KnobEvent():
            return event.step, {f"train/scale/{event.knob}": event.after}
        case DiagnosisEvent():
            return event.step, {f"diagnosis/{event.trouble}": event.confidence}
        case RestartEvent():
            # Where it goes on: what comes later is dropped from the display, to come again.
            return event.resume_step or 0, {"recovery/restarts": float(event.attempt)}
        case ExaminedEvent():
            return 0, {f"voice/{name}": value for name, value in event.figures.items()}
        case FinishedEvent():
            return event.step, {} if event.train_seconds is None else {"train/seconds": event.train_seconds}
        case _:
            return 0, {}


def report_scalars(event: ReportEvent) -> dict[str, float]:
    """What of a report no other record has."""
    happened = (event.incidents, event.decisions, event.restarts, event.diagnoses, event.cures)
    return {
        **{f"report/attention/{name}": value for name, value in event.attention.items()},
        **{f"report/stop/{name}": value for name, value in event.stop.items()},
        **{f"report/norm/{name}": value for name, value in event.norms.items()},
        **{f"report/memory/{name}": value for name, value in event.memory.items()},
        **{f"report/loss/{name}": value for name, value in event.losses.items()},
        **({} if event.eta_s is None else {"report/eta_s": event.eta_s}),
        "report/happened": float(sum(sum(counts.values()) for counts in happened)),
    }


def event_files(event: Event) -> dict[str, str]:
    """The files an event names: what they show -> path relative to the run folder."""
    if isinstance(event, ReportEvent) and event.attention_image is not None:
        return {"report/attention": event.attention_image}
    if not isinstance(event, ValidationEvent):
        return {}
    named = {"attention": event.attention_image, "spectrogram": event.spectrogram_image}
    named |= {f"audio/{index}": path for index, path in enumerate(event.audio, start=1)}
    return {name: path for name, path in named.items() if path is not None}
