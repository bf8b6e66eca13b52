"""The small grammar of code in our documents; every name it recognises must exist.

An inline code span is, in this order:
  a command        first word a program, with arguments: `smart-tuner runs list`
  an option        `--new`, `--device cpu`
  a variable       capitals with an underscore: `TORCH_INDEX_URL`
  a path           with a slash or a known ending; of the project, or made by its programs; parts such as
                   STEP, <run>, * and 000123 stand for anything: `runs/<run>/checkpoints/best-STEP.ckpt`
  a key            `train.learning_rate`, `train.learning_rate=1e-4`, `learning_rate=1e-4`
  a Python name    `tacotron2.models.Tacotron2`
  an identifier    with an underscore or mixed capitals: `attention_alignment`, `TextMelLoader`
and anything else (a value, a formula, a word) is not checked.

A fenced block names its language: sh (commands, one a line), yaml (keys), python (imports); text and json are
not checked. Links to files must lead somewhere.
"""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import yaml

from tacotron2.hparams import LEAF_FIELD, parse_value
from tests.architecture.document_facts import (
    PLACEHOLDER,
    ROOT,
    Facts,
    commands_in,
    options_in,
)

PYTHONS = ("python", "python3", "python3.11", ".venv/bin/python")
SCRIPTS = ("./install.sh", "install.sh", ".ci/run")
OURS = ("smart-tuner", ".venv/bin/smart-tuner")
FOREIGN = (
    ".venv/bin/mlflow",
    "apt-get",
    "bash",
    "cd",
    "cp",
    "curl",
    "export",
    "git",
    "mv",
    "pip",
    "source",
    "sudo",
    "tail",
    "watch",
)
PROGRAMS = (*PYTHONS, *SCRIPTS, *OURS, *FOREIGN, "pytest", "ruff", "mypy")
ENDINGS = "ckpt|csv|db|flac|html|json|jsonl|lock|log|md|npy|png|py|sh|toml|txt|wav|yaml|yml"
CHECKED_LANGUAGES = ("sh", "yaml", "python")
FREE_LANGUAGES = ("text", "json", "mermaid")

PATH = re.compile(rf"[\w./<>*{{}},-]*/[\w./<>*{{}},-]*|[\w<>*-][\w.<>*{{}},-]*\.({ENDINGS})")
VARIABLE = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)+")
KEY = re.compile(r"([a-z_]+\.)?[a-z][a-z0-9_]*=\S*|[a-z_]+\.[a-z][a-z0-9_]*")
DOTTED = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+(\(\))?")
IDENTIFIER = re.compile(r"([A-Za-z]+_\w+|[A-Z][a-z0-9]+[A-Z]\w*)(\(\))?")


class Checker:
    """Finds what a document names and the project does not have."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts

    def problems(self, text: str, folder: Path = ROOT) -> list[str]:
        """One line for each name that does not exist."""
        found = []
        for language, block in re.findall(r"^```(\w*)\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL):
            found += [f"```{language}: {problem}" for problem in self.check_block(language, block)]
        prose = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
        for paragraph in re.split(r"\n\s*\n", prose):
            for _, span in re.findall(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", paragraph, flags=re.DOTALL):
                words = " ".join(span.replace("\\|", "|").split())
                found += [f"`{words}`: {problem}" for problem in self.check_span(words)]
        for target in re.findall(r"\]\(([^)\s]+)\)", prose):
            file = target.partition("#")[0]
            if file and "://" not in target and not (folder / file).exists():
                found.append(f"link to {target}: no such file")
        return found

    def check_span(self, span: str) -> Iterator[str]:
        """What is wrong with an inline code span."""
        first = span.split(" ")[0]
        if first in SCRIPTS or (first in PROGRAMS and " " in span) or span in OURS:
            yield from self.check_commands(span)
        elif span.startswith("-") and span[1:2] not in ("", " ") and not span[1].isdigit():
            yield from self.check_option(first)
        elif VARIABLE.fullmatch(span.partition("=")[0]):
            yield from self.check_variable(span.partition("=")[0])
        elif "://" in span or span[:1].isdigit():
            return
        elif PATH.fullmatch(span) and re.search(r"[A-Za-z]{2}", span):
            yield from self.check_path(span)
        elif KEY.fullmatch(span) and ("=" in span or span.partition(".")[0] in self.facts.keys):
            yield from self.check_key(span)
        elif DOTTED.fullmatch(span):
            if not self.facts.is_python_name(span.removesuffix("()")):
                yield "no such module or name"
        elif IDENTIFIER.fullmatch(span) and span.removesuffix("()") not in self.facts.identifiers:
            yield "this identifier is nowhere in the code"

    def check_block(self, language: str, block: str) -> Iterator[str]:
        """What is wrong in a fenced block."""
        if language == "sh":
            for line in block.replace("\\\n", " ").splitlines():
                if line.strip() and not line.lstrip().startswith("#"):
                    yield from self.check_commands(line.strip())
        elif language == "yaml":
            for section, content in yaml.safe_load(block).items():
                for name in content:
                    yield from self.check_key(f"{section}.{name}")
        elif language == "python":
            yield from self.check_python(block)
        elif language not in FREE_LANGUAGES:
            yield f"name its language, one of {', '.join(CHECKED_LANGUAGES + FREE_LANGUAGES)}"

    def check_python(self, block: str) -> Iterator[str]:
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.ImportFrom):
                names = [f"{node.module}.{alias.name}" for alias in node.names]
            else:
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            yield from (f"{name} does not exist" for name in names if not self.facts.is_python_name(name))

    def check_path(self, path: str) -> Iterator[str]:
        braces = re.fullmatch(r"(.*)\{(.*)\}(.*)", path)
        for each in braces[2].split(",") if braces else [None]:
            one = path if each is None or braces is None else f"{braces[1]}{each}{braces[3]}"
            if not (self.facts.is_file(one) or self.facts.is_made(one)):
                yield f"no such path ({one}), and no program makes it"

    def check_key(self, text: str) -> Iterator[str]:
        """`section.key`, `section.key=value` or, of a hyper-parameter, `key=value`."""
        key, _, value = text.partition("=")
        section, _, name = key.rpartition(".")
        if section and name not in self.facts.keys.get(section, set()):
            yield f"no configuration key {key}"
        elif name not in LEAF_FIELD and not section:
            yield f"no hyper-parameter {name}"
        elif value and name in LEAF_FIELD and not PLACEHOLDER.fullmatch(value):
            try:
                parse_value(LEAF_FIELD[name], value)
            except ValueError as error:
                yield str(error)

    def check_variable(self, name: str) -> Iterator[str]:
        if not re.search(rf"\b{name}\b", self.facts.source_text):
            yield f"nothing in the code reads or defines {name}"

    def check_option(self, option: str) -> Iterator[str]:
        """An option without its command: any of our commands may have it."""
        name = option.partition("=")[0]
        commands = self.facts.smart_tuner_help()
        helps = [commands, self.facts.smart_tuner_help("auto"), self.facts.library_help()]
        for command in commands_in(commands):
            helps.append(self.facts.smart_tuner_help(command))
            helps += [self.facts.smart_tuner_help(command, sub) for sub in commands_in(helps[-1])]
        known = {option for text in helps for option in options_in(text)}
        if name not in known and not re.search(rf"(?m)^\s*{name}\)", self.script("install.sh")):
            yield f"no command has the option {name}"

    def script(self, name: str) -> str:
        return (ROOT / name).read_text(encoding="utf-8")

    def check_commands(self, line: str) -> Iterator[str]:
        """Every command of a shell line."""
        lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>")
        lexer.whitespace_split = True
        words: list[str] = []
        for token in [*lexer, ";"]:
            if token in ("|", "||", "&", "&&", ";"):
                yield from self.check_command(words)
                words = []
            else:
                words.append(token)

    def check_command(self, words: list[str]) -> Iterator[str]:
        """One command with its arguments."""
        while words and "=" in words[0]:
            yield from self.check_variable(words[0].partition("=")[0])
            words = words[1:]
        redirections = [place for place, word in enumerate(words) if word in ("<", ">", ">>")]
        words = words[: min(redirections, default=len(words))]
        if not words or words[0] in FOREIGN:
            return
        program, arguments = words[0].removeprefix(".venv/bin/"), words[1:]
        if program == "smart-tuner":
            yield from self.check_smart_tuner(arguments)
        elif words[0] in SCRIPTS:
            yield from self.check_script(words[0].removeprefix("./"), arguments)
        elif words[0] in PYTHONS and arguments[:1] == ["smart_tuner_main.py"]:
            yield from self.check_smart_tuner(arguments[1:])
        elif words[0] in PYTHONS and arguments[:2] == ["-m", "tacotron2.cli"]:
            yield from self.check_options(self.facts.library_help(*arguments[2:3]), arguments[3:])
        elif words[0] in PYTHONS and arguments[:1] == ["-m"]:
            if not self.facts.is_module(arguments[1]):
                yield f"no module {arguments[1]}"
            yield from self.check_files(arguments[2:])
        elif words[0] in PYTHONS and arguments:
            yield from self.check_script(arguments[0], arguments[1:])
        elif program == "torchrun" and "-m" in arguments:  # its own options are torch's to check
            yield from self.check_command([PYTHONS[0], *arguments[arguments.index("-m") :]])
        elif program in ("pytest", "ruff", "mypy"):
            yield from self.check_files(arguments)
        else:
            yield f"unknown program {words[0]}"

    def check_files(self, arguments: list[str]) -> Iterator[str]:
        for argument in arguments:
            if "/" in argument and not argument.startswith("-"):
                yield from self.check_path(argument)

    def check_script(self, name: str, arguments: list[str]) -> Iterator[str]:
        if not (ROOT / name).is_file():
            yield f"no script {name}"
            return
        options = [each.partition("=")[0] for each in arguments if each.startswith("--")]
        yield from (f"{name} has no option {each}" for each in options if each not in self.script(name))

    def check_smart_tuner(self, arguments: list[str]) -> Iterator[str]:
        """Commands, then their options; without a command, `auto`."""
        command: list[str] = []
        while known := commands_in(self.facts.smart_tuner_help(*command)):
            if not arguments[len(command) :] or arguments[len(command)].startswith("-"):
                break
            if arguments[len(command)] not in known:
                yield f"no command {' '.join(['smart-tuner', *arguments[: len(command) + 1]])}"
                return
            command.append(arguments[len(command)])
        text = self.facts.smart_tuner_help(*(command or ["auto"]))
        yield from self.check_options(text, arguments[len(command) :])

    def check_options(self, help_text: str, arguments: list[str]) -> Iterator[str]:
        options = options_in(help_text)
        for index, argument in enumerate(arguments):
            name, _, value = argument.partition("=")
            if not argument.startswith("-"):
                continue
            if name not in options:
                yield f"the command has no option {name}"
            elif name == "--set":
                yield from self.check_key(value or " ".join(arguments[index + 1 : index + 2]))
            elif options[name] and not value and index + 1 == len(arguments):
                yield f"{name} needs a value"
