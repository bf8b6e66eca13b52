"""A report as plain text, Markdown, a page of HTML or JSON. All four say the same."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from smart_tuner.messages import Language, MachinePhrase, Message, Phrase, ReadinessPhrase, render
from smart_tuner.readiness.report import Report
from smart_tuner.readiness.tick import GROUP_TITLES, Group, Status, Tick, Words

MARKS = {Status.PASSED: "✓", Status.WARNED: "!", Status.FAILED: "✗", Status.UNCHECKED: "·"}
WORDS: dict[Status, Phrase] = {
    Status.PASSED: ReadinessPhrase.STATUS_PASSED,
    Status.WARNED: ReadinessPhrase.STATUS_WARNED,
    Status.FAILED: ReadinessPhrase.STATUS_FAILED,
    Status.UNCHECKED: ReadinessPhrase.STATUS_UNCHECKED,
}
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>|#~&])")
_STYLE = Path(__file__).with_name("report.css")


def verdict(report: Report) -> Message:
    """The first line."""
    if report.is_ready:
        return ReadinessPhrase.READY()
    return ReadinessPhrase.NOT_READY(failed=len(report.of(Status.FAILED)))


def as_text(report: Report, language: Language) -> str:
    """For a terminal; the verdict is the first line."""
    lines = [*_head(report, language)]
    for group, ticks in _grouped(report):
        lines += ["", render(GROUP_TITLES[group](), language)]
        for tick in ticks:
            lines += [f"  {MARKS[tick.status]} {_sentence(tick, language)}"]
            if tick.remedy is not None:
                lines.append(f"      {_remedy(tick.remedy, language)}")
    return "\n".join(lines) + "\n"


def as_markdown(report: Report, language: Language) -> str:
    """The verdict as the heading, then a table for each group."""
    first, *others = (_escaped(line) for line in _head(report, language))
    lines = [f"# {first}", "", *(f"{line}  " for line in others)]
    check, found = (
        render(head, language) for head in (ReadinessPhrase.HEAD_CHECK(), ReadinessPhrase.HEAD_FOUND())
    )
    for group, ticks in _grouped(report):
        title = render(GROUP_TITLES[group](), language)
        lines += ["", f"## {_escaped(title)}", "", f"| | {check} | {found} |", "|---|---|---|"]
        for tick in ticks:
            said = [render(tick.detail, language)]
            if tick.remedy is not None:
                said.append(_remedy(tick.remedy, language))
            told = ". ".join(_escaped(part) for part in said if part)
            lines.append(f"| {MARKS[tick.status]} | {_escaped(render(tick.title, language))} | {told} |")
    return "\n".join(lines) + "\n"


def as_json(report: Report, language: Language) -> str:
    """Everything, for a program."""
    return json.dumps(report.to_dict(language), indent=2, ensure_ascii=False) + "\n"


def as_html(report: Report, language: Language) -> str:
    """One page that needs nothing but itself."""
    first, *others = (html.escape(line) for line in _head(report, language))
    state = "passed" if report.is_ready else "failed"
    body = [f'<header class="{state}"><h1>{first}</h1>', *(f"<p>{line}</p>" for line in others), "</header>"]
    body.append("<main>")
    for group, ticks in _grouped(report):
        title = html.escape(render(GROUP_TITLES[group](), language))
        body += [f'<section><h2 id="{group}">{title}</h2><ul>']
        body += [_item(tick, language) for tick in ticks]
        body.append("</ul></section>")
    body.append("</main>")
    title = html.escape(render(ReadinessPhrase.READINESS_TITLE(), language))
    return (
        f'<!doctype html>\n<html lang="{language}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{first} - {title}</title>\n<style>\n{_STYLE.read_text(encoding='utf-8')}</style>\n</head>\n"
        "<body>\n" + "\n".join(body) + "\n</body>\n</html>\n"
    )


def _item(tick: Tick, language: Language) -> str:
    word = html.escape(render(WORDS[tick.status](), language))
    parts = [
        f'<li class="{tick.status}"><span class="mark" role="img" aria-label="{word}" title="{word}">'
        f"{MARKS[tick.status]}</span>",
        f"<div><strong>{html.escape(render(tick.title, language))}</strong>",
    ]
    if tick.detail:
        parts.append(f"<p>{html.escape(render(tick.detail, language))}</p>")
    if tick.remedy is not None:
        parts.append(f'<p class="remedy">{html.escape(_remedy(tick.remedy, language))}</p>')
    return "".join([*parts, "</div></li>"])


def _head(report: Report, language: Language) -> Iterator[str]:
    """The verdict; date and commit; the machine; the counts."""
    machine = report.machine
    gpus = ", ".join(gpu.name for gpu in machine.gpus)
    yield render(verdict(report), language)
    yield render(ReadinessPhrase.MADE(date=report.made_at, commit=report.commit), language)
    on = ReadinessPhrase.MADE_ON(
        python=machine.python,
        system=machine.system,
        cores=machine.cores,
        memory=machine.memory_bytes,
        gpus=gpus or MachinePhrase.NO_GPU(),
    )
    yield render(on, language)
    counts = {status.value: len(report.of(status)) for status in Status}
    yield render(Message(ReadinessPhrase.READINESS_COUNTS, counts), language)


def _grouped(report: Report) -> Iterator[tuple[Group, list[Tick]]]:
    for group, ticks in groupby(report.ticks, key=lambda tick: tick.group):
        yield group, list(ticks)


def _sentence(tick: Tick, language: Language) -> str:
    detail = render(tick.detail, language)
    title = render(tick.title, language)
    return f"{title}: {detail}" if detail else title


def _remedy(remedy: Words, language: Language) -> str:
    return render(ReadinessPhrase.DOCTOR_WHAT_TO_DO(remedy=remedy), language)


def _escaped(text: str) -> str:
    """Text that no Markdown reader takes for markup, in one line."""
    return _MARKDOWN.sub(r"\\\1", " ".join(text.split()))
