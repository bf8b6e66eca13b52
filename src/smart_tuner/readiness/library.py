"""What the library checks of itself, in a child: it needs torch."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from smart_tuner.messages import ReadinessPhrase
from smart_tuner.readiness.imports import LIBRARY_TICKS, PACKAGE_TICKS
from smart_tuner.readiness.scene import Scene
from smart_tuner.readiness.tick import Group, Status, Tick, Words
from smart_tuner.run_folder import data_folder

TIMEOUT_S = 400.0
NEEDS = (*PACKAGE_TICKS, *LIBRARY_TICKS)
MANY_REFUSED = 0.2
"""Share of the clips of a folder that cannot be used before it is worth a word."""
PARTS = ("TextMelLoader", "TextMelCollate", "Tacotron2", "Tacotron2Loss")
LOSSES = ("total", "mel_before", "mel_after", "gate", "guided_attention", "mmi", "ddc_decoder", "ddc", "tpse")

Facts = Mapping[str, Any]
Judged = tuple[Status, Words, Words | None]


@dataclass(frozen=True)
class Findings:
    """What the child has told: facts of each check that worked, and for the others why not."""

    facts: Mapping[str, Facts]
    errors: Mapping[str, str]
    waiting: Mapping[str, str]
    """Checks that were not made, each with the one that failed before it."""


def ask_library(scene: Scene) -> Findings:
    """Runs all checks of the library; a process that dies has failed at the check it had begun."""
    config = scene.config
    with tempfile.TemporaryDirectory() as temporary:
        settings = Path(temporary) / "run.yaml"
        settings.write_text(config.to_yaml(), encoding="utf-8")
        command = [
            *(sys.executable, "-m", "tacotron2.cli", "--json", "self-check", f"--settings={settings}"),
            f"--home={data_folder(scene.runs_folder)}",
            f"--goal-steps={config.attention.deadline_steps}",
            f"--memory={scene.training_memory_bytes}",
        ]
        command += ["--card"] if scene.trains_on_card else []
        if config.data_folder is not None:
            command.append(f"--folder={config.data_folder}")
        try:
            done = subprocess.run(
                command,
                env=dict(scene.environ),
                capture_output=True,
                text=True,
                timeout=TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            output = error.stdout or b""
            said = output.decode() if isinstance(output, bytes) else output
            return sorted_out(said.splitlines(), f"> {TIMEOUT_S:g} s")
    words = done.stderr.strip().splitlines()
    return sorted_out(done.stdout.splitlines(), words[-1] if words else f"status {done.returncode}")


def sorted_out(lines: list[str], last_words: str) -> Findings:
    """The child's lines by what they say."""
    facts: dict[str, Facts] = {}
    errors: dict[str, str] = {}
    waiting: dict[str, str] = {}
    begun = ""
    for line in lines:
        record = json.loads(line) if line.startswith("{") else {}
        if record.get("kind") == "error":
            last_words = str(record["message"])
        begun = record.get("checking", begun)
        name = record.get("checked")
        if name is None:
            continue
        if "facts" in record:
            facts[name] = record["facts"]
        elif "error" in record:
            errors[name] = record["error"]
        else:
            waiting[name] = record["waits_for"]
    if begun not in (*facts, *errors, *waiting):
        errors[begun] = last_words
    return Findings(facts, errors, waiting)


def library_ticks(found: Findings, scene: Scene) -> list[Tick]:
    """Every tick that is made of the library's facts."""
    return list(_ticks(found, scene))


def _ticks(found: Findings, scene: Scene) -> Iterator[Tick]:
    def tick(
        name: str,
        group: Group,
        title: Words,
        judge: Callable[[Facts], Judged],
        source: str = "",
        fix: Words = "",
    ) -> Tick:
        source = source or name
        if source in found.facts:
            return Tick(name, group, title, *judge(found.facts[source]), NEEDS)
        if source in found.errors:
            remedy = fix or ReadinessPhrase.RESTORE_PROGRAM()
            return Tick(name, group, title, Status.FAILED, found.errors[source], remedy, NEEDS)
        waits = ReadinessPhrase.WAITS_FOR(name=found.waiting.get(source, next(iter(found.errors), "-")))
        return Tick(name, group, title, Status.UNCHECKED, waits)

    for part in PARTS:
        yield tick(part, Group.PARTS, part, lambda facts: (Status.PASSED, "", None))
    yield tick("parameters", Group.MODEL, ReadinessPhrase.DOCTOR_PARAMETERS(), judge_parameters)
    yield tick(
        "speech", Group.MODEL, ReadinessPhrase.SPEECH(), _judge_speech, fix=ReadinessPhrase.INSTALL_AGAIN()
    )
    yield tick("step", Group.MODEL, ReadinessPhrase.TRAINING_STEP(), _judge_step)
    yield tick("gradients", Group.MODEL, ReadinessPhrase.GRADIENTS(), judge_gradients)
    for name in LOSSES:
        title = ReadinessPhrase.LOSS_TERM(name=name)
        if "losses" in found.facts and name not in found.facts["losses"]["terms"]:
            remedy = ReadinessPhrase.RESTORE_PROGRAM()
            missing = ReadinessPhrase.NO_SUCH_TERM()
            yield Tick(f"loss {name}", Group.MODEL, title, Status.FAILED, missing, remedy, NEEDS)
            continue
        yield tick(f"loss {name}", Group.MODEL, title, _loss_judge(name), "losses")
    fix = ReadinessPhrase.MEND_RECORDINGS()
    yield tick("data", Group.DATA, ReadinessPhrase.DATA_HEALTH(), judge_data, fix=fix)
    yield tick(
        "disk for the run", Group.MACHINE, ReadinessPhrase.DISK_OF_RUN(), _disk_judge(scene), "Tacotron2"
    )
    yield tick("batch", Group.MACHINE, ReadinessPhrase.BATCH_FITS(), judge_batch)
    if not scene.trains_on_card:
        yield tick("cards", Group.MACHINE, ReadinessPhrase.CARDS_FIT(), judge_cards)
    yield tick("rate", Group.GOAL, ReadinessPhrase.RATE_REACHES(), _rate_judge(scene))


def judge_parameters(facts: Facts) -> Judged:
    count, learning, expected = facts["count"], facts["learning"], facts["expected"]
    told = ReadinessPhrase.PARAMETERS_COUNTED(count=count, learning=learning, expected=expected)
    if count == learning == expected:
        return Status.PASSED, told, None
    return Status.FAILED, told, ReadinessPhrase.RESTORE_PROGRAM()


def _judge_speech(facts: Facts) -> Judged:
    return Status.PASSED, ReadinessPhrase.SPOKEN_CLIPS(clips=facts["clips"], seconds=facts["seconds"]), None


def _judge_step(facts: Facts) -> Judged:
    return Status.PASSED, ReadinessPhrase.STEP_OF(clips=facts["utterances"], frames=facts["frames"]), None


def judge_gradients(facts: Facts) -> Judged:
    """Every tensor but the named biases, and every symbol that occurs."""
    silent = [*facts["without"], *(f"embedding[{number}]" for number in facts["silent_symbols"])]
    if silent:
        names = ", ".join(silent)
        return Status.FAILED, ReadinessPhrase.LEARN_NOTHING(names=names), ReadinessPhrase.RESTORE_PROGRAM()
    return (
        Status.PASSED,
        ReadinessPhrase.ALL_TENSORS_LEARN(count=facts["tensors"], known=facts["known"]),
        None,
    )


def _loss_judge(name: str) -> Callable[[Facts], Judged]:
    def judge(facts: Facts) -> Judged:
        value, low, high = facts["terms"][name]
        told = ReadinessPhrase.WITHIN(value=value, low=low, high=high)
        if low <= value <= high:
            return Status.PASSED, told, None
        return Status.FAILED, told, ReadinessPhrase.RESTORE_PROGRAM()

    return judge


def judge_data(facts: Facts) -> Judged:
    """Of the user's folder, of the demo corpus, or that there is none yet."""
    if facts["kind"] == "none":
        return Status.UNCHECKED, ReadinessPhrase.NO_LISTS_YET(), None
    if facts["kind"] == "demo":
        counts = facts["clips"]
        told = ReadinessPhrase.DEMO_LISTS(
            train=counts["train"], held_out=counts["validation"] + counts["test"], hours=facts["hours"]
        )
        return Status.PASSED, told, None
    clips, named = facts["clips"], facts["named"]
    told = ReadinessPhrase.OWN_CLIPS(clips=clips, named=named, hours=facts["hours"], layout=facts["layout"])
    if clips < facts["fewest"]:
        return Status.FAILED, told, ReadinessPhrase.MORE_RECORDINGS(fewest=facts["fewest"])
    if clips < (1.0 - MANY_REFUSED) * named:
        return Status.WARNED, told, ReadinessPhrase.MEND_RECORDINGS()
    return Status.PASSED, told, None


def _disk_judge(scene: Scene) -> Callable[[Facts], Judged]:
    def judge(facts: Facts) -> Judged:
        needed, free = facts["disk_bytes"], scene.machine.disk_free_bytes
        told = ReadinessPhrase.NEEDED_AND_FREE(needed=needed, free=free)
        if needed <= free:
            return Status.PASSED, told, None
        return Status.FAILED, told, ReadinessPhrase.MAKE_DISK_ROOM()

    return judge


def judge_batch(facts: Facts) -> Judged:
    """Whether the batch fits as it is planned, in more parts, or not at all."""
    told = ReadinessPhrase.ROWS_FIT(
        rows=facts["rows"],
        parts=facts["parts"],
        needed=facts["needed"],
        available=facts["available"],
        longest=facts["longest_s"],
    )
    if facts["needed"] > facts["available"]:
        return Status.FAILED, told, ReadinessPhrase.SMALLER_MODEL()
    if facts["parts"] > facts["planned"]:
        return Status.WARNED, told, ReadinessPhrase.MORE_PARTS(planned=facts["planned"])
    return Status.PASSED, told, None


def judge_cards(facts: Facts) -> Judged:
    """Told for the day when there is a card; worth a word where none of the sizes is enough."""
    told = [f"{size}: {rows}" for size, rows, _ in facts["cards"]]
    whole = [size for size, _, parts in facts["cards"] if parts is not None]
    enough = {"smallest": whole[0]} if whole else {}
    detail = (ReadinessPhrase.CARDS_FROM if whole else ReadinessPhrase.CARDS_NONE)(
        rows=", ".join(told), longest=facts["longest_s"], precision=facts["precision"], **enough
    )
    if whole:
        return Status.PASSED, detail, None
    return Status.WARNED, detail, ReadinessPhrase.SMALLER_MODEL()


def _rate_judge(scene: Scene) -> Callable[[Facts], Judged]:
    def judge(facts: Facts) -> Judged:
        moved, failed, enough = facts["moved"], facts["failed"], facts["enough"]
        told = ReadinessPhrase.MOVED(
            rate=facts["rate"], steps=facts["steps"], moved=moved, failed=failed, enough=enough
        )
        if moved <= failed:
            return Status.FAILED, told, ReadinessPhrase.HIGHER_RATE(goal=scene.config.attention.threshold)
        if moved < enough:
            return Status.WARNED, told, ReadinessPhrase.HIGHER_RATE(goal=scene.config.attention.threshold)
        return Status.PASSED, told, None

    return judge
