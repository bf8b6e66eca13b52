"""What a run ran on, and how its settings were chosen."""

from __future__ import annotations

from smart_tuner.messages import Language, MachinePhrase, ReportPhrase, render
from smart_tuner.messages.language import duration, number, size
from smart_tuner.reports.blocks import Block, Table
from smart_tuner.reports.records import RunRecords
from smart_tuner.reports.records import number as finite
from tacotron2.events import StartedEvent


def machine(records: RunRecords, language: Language) -> list[Block]:
    """The machine, and what the last attempt ran with."""
    rows: list[list[str]] = []

    def add(phrase: ReportPhrase | MachinePhrase, value: str) -> None:
        rows.append([render(phrase(), language), value])

    found = records.machine
    if found:
        add(ReportPhrase.SYSTEM, str(found.get("system", "–")))
        add(MachinePhrase.CORES, str(found.get("cores", "–")))
        memory = finite(found.get("memory_bytes"))
        add(MachinePhrase.MEMORY, size(memory, "GiB", language) if memory is not None else "–")
        gpus = found.get("gpus")
        names = [str(each.get("name")) for each in gpus if isinstance(each, dict)] if gpus else []
        add(MachinePhrase.GPU, ", ".join(names) or render(MachinePhrase.NO_GPU(), language))
    if started := records.of(StartedEvent):
        last = started[-1]
        add(ReportPhrase.DEVICE, f"{last.device}, {last.precision}")
        add(ReportPhrase.THREADS, f"{last.processes} × {last.threads}")
        add(ReportPhrase.PARAMETERS, number(last.parameters, ",", language))
        add(ReportPhrase.SOURCE, last.commit)
        rows += [[name, version] for name, version in last.versions.items()]
    if not rows:
        return []
    heads = [render(head(), language) for head in (ReportPhrase.HEAD_PART, ReportPhrase.HEAD_VALUE)]
    return [Table(render(ReportPhrase.TABLE_ENVIRONMENT(), language), heads, rows, words=(0, 1))]


def tuning(records: RunRecords, language: Language) -> list[Block]:
    """The candidates that the main command tried before the training, where it did."""
    candidates = records.tuning.get("candidates")
    survivor = records.tuning.get("survivor")
    rows = []
    for index, each in enumerate(candidates if isinstance(candidates, list) else []):
        scores = [finite(score) for score in each.get("scores") or []]
        told = ", ".join(number(score, ".3f", language) for score in scores if score is not None)
        seconds = finite(each.get("seconds"))
        rate = finite((each.get("params") or {}).get("learning_rate"))
        rows.append(
            [
                f"{index} ✓" if index == survivor else str(index),
                number(rate, ".2g", language) if rate is not None else "–",
                told or "–",
                duration(seconds, language) if seconds is not None else "–",
            ]
        )
    if not rows:
        return []
    heads = (
        ReportPhrase.HEAD_CANDIDATE,
        ReportPhrase.HEAD_RATE,
        ReportPhrase.HEAD_SCORES,
        ReportPhrase.HEAD_TOOK,
    )
    caption = render(ReportPhrase.TABLE_CANDIDATES(), language)
    return [Table(caption, [render(head(), language) for head in heads], rows, words=())]
