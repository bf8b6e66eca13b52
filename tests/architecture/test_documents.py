"""Every path, command, option, key and name in README.md and docs/ exists (see document_grammar)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.architecture.document_facts import ROOT, Facts
from tests.architecture.document_grammar import Checker

DOCUMENTS = [
    "README.md",
    "README.ru.md",
    "CHANGELOG.md",
    *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")),
]


@pytest.fixture(scope="module")
def checker() -> Checker:
    return Checker(Facts())


@pytest.mark.parametrize("document", DOCUMENTS)
def test_what_a_document_names_exists(checker: Checker, document: str) -> None:
    path = ROOT / document
    text = path.read_text(encoding="utf-8")
    assert checker.problems(text, path.parent) == []
    assert "@@" not in text, "a figure was never filled in"


def skeleton(text: str) -> dict[str, list[str]]:
    """What a translation leaves as it is: headings, links, names in code, commands, figures of tables."""
    spoken = re.sub(r'"[^"\n]*"', '""', text)  # what the example says
    blocks = re.findall(r"^```.*?^```$", spoken, re.MULTILINE | re.DOTALL)
    prose = re.sub(r"^```.*?^```$", "", spoken, flags=re.MULTILINE | re.DOTALL)
    rows = re.findall(r"^\|.*\|$", prose, re.MULTILINE)
    return {
        "headings": re.findall(r"^#+", prose, re.MULTILINE),
        "links": sorted(
            {link.replace(".ru.md", ".md") for link in re.findall(r"\]\(([^)]+)\)", prose)} - BOTH
        ),
        "code": sorted(set(re.findall(r"`([^`\n]+)`", prose)) - {"SMART_TUNER_MESSAGES", RUSSIAN}),
        "blocks": [block.replace("language=ru", "language=de") for block in blocks],
        "figures": [number for row in rows for number in re.findall(r"(?<![\w.])\d+(?:\.\d+)?", row)],
    }


BOTH = {"README.md", "own-voice.md"}
RUSSIAN = "SMART_TUNER_MESSAGES=ru"


@pytest.mark.parametrize("name", ["README", "docs/own-voice"])
def test_a_document_says_the_same_in_both_languages(name: str) -> None:
    english, russian = (
        skeleton((ROOT / f"{name}{ending}").read_text("utf-8")) for ending in (".md", ".ru.md")
    )
    assert english == russian


@pytest.mark.parametrize(
    "text",
    [
        "`smart-tuner runs list`, `python smart_tuner_main.py`, `--no-services`, `./install.sh --dev`",
        "`src/tacotron2/`, `hparams.py`, `configs/{demo,probe,debug}.yaml`, `tests/*/test_install.py`",
        "`events.jsonl`, `runs/<run>/outcome.json`, `best-STEP.ckpt`, `runs/20260101-120000-demo/run.yaml`",
        "`train.learning_rate`, `learning_rate=1e-4`, `services.mlflow_port=5000`, `TORCH_INDEX_URL`",
        "`tacotron2.models.Tacotron2`, `torch.nn`, `n_frames_per_step`, `create_hparams()`, `T_mel / r`",
        "a span over `python\nsmart_tuner_main.py --preset debug` two lines; [a link](LICENSE)",
        "```sh\n# words\n./install.sh --dev && .venv/bin/python -m pytest tests/install \\\n    -q\n```",
        '```sh\nsmart-tuner synthesize --run RUN "Good morning."\nsmart-tuner --new --set max_steps=100\n```',
        "```sh\nsmart-tuner synthesize --run RUN < words.txt > said.txt\n```",
        "```yaml\ntrain:\n  learning_rate: 0.001\nservices:\n  open_browser: false\n```",
        "```python\nfrom tacotron2 import create_hparams\nimport numpy as np\n```",
        "```text\nanything goes/here.md --at-all\n```",
    ],
)
def test_what_exists_passes(checker: Checker, text: str) -> None:
    assert checker.problems(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "`smart-tuner fly`",
        "`smart-tuner runs forget`",
        "`smart-tuner monitor --colour`",
        "`smart-tuner auto --preset`",
        "`smart-tuner --set train.learning_rat=1`",
        "`python smart_tuner_main.py --old`",
        "`python nothing.py`",
        "`python -m tacotron2.nothing`",
        "`./install.sh --fast`",
        "`--unheard-of`",
        "`src/tacotron2/nothing.py`",
        "`docs/nothing.md`",
        "`configs/{demo,nothing}.yaml`",
        "`runs/<run>/nothing.json`",
        "`worst-STEP.ckpt`",
        "`train.learning_speed`",
        "`learning_speed=3`",
        "`train.learning_rate=fast`",
        "`NO_SUCH_VARIABLE`",
        "`tacotron2.models.Tacotron9`",
        "`no_such_identifier`",
        "`NoSuchIdentifier`",
        "[a link](docs/nothing.md)",
        "```sh\nsmart-tuner runs forget\n```",
        "```sh\n./install.sh && frobnicate now\n```",
        "```yaml\ntrain:\n  learning_speed: 1\n```",
        "```python\nfrom tacotron2 import Tacotron9\n```",
        "```\nno language\n```",
    ],
)
def test_what_does_not_exist_is_found(checker: Checker, text: str) -> None:
    assert len(checker.problems(text)) == 1


def test_the_folder_of_a_document_is_where_its_links_start(checker: Checker, tmp_path: Path) -> None:
    (tmp_path / "here.md").touch()
    assert checker.problems("[x](here.md#part)", tmp_path) == []
    assert len(checker.problems("[x](../here.md)", tmp_path)) == 1
