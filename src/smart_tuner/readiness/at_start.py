"""What the main command says of readiness before it trains: quick, and without a process of its own."""

from __future__ import annotations

from smart_tuner.messages import Message, ReadinessPhrase
from smart_tuner.readiness.renderers import verdict
from smart_tuner.readiness.report import Report, kept, start_report
from smart_tuner.readiness.scene import Scene
from smart_tuner.readiness.tick import Status, Tick


def told_at_start(scene: Scene) -> tuple[list[Message], list[Message]]:
    """Lines to tell, the verdict first; and a warning for each check that failed.

    What no training could survive, too little memory or disk, has ended the command before.
    """
    report = start_report(scene)
    return _verdict_with_kept(report, scene), [_failure(tick) for tick in report.of(Status.FAILED)]


def _failure(tick: Tick) -> Message:
    return ReadinessPhrase.STARTING_FAILS(title=tick.title, detail=tick.detail, remedy=tick.remedy or "")


def _verdict_with_kept(report: Report, scene: Scene) -> list[Message]:
    count, earlier = len(report.ticks), kept(scene)
    quick = ReadinessPhrase.READY_TO_START(verdict=verdict(report), count=count)
    if earlier is None:
        return [quick]
    if earlier["ready"]:
        return [ReadinessPhrase.READY_AS_KEPT(verdict=verdict(report), count=count, date=earlier["date"])]
    names = ", ".join(tick["name"] for tick in earlier["ticks"] if tick["status"] == Status.FAILED)
    return [quick, ReadinessPhrase.NOT_AS_KEPT(date=earlier["date"], names=names)]
