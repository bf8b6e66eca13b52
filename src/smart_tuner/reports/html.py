"""A page as one HTML file: template, style and script inside, pictures and sounds as data, nothing else.

The policy in its head forbids everything that does not stand in the file itself: one style and one script,
known by their hashes, and data for pictures and sounds. Whatever a run is called or a text contains, none of
it is markup: the template escapes all that it is given.
"""

from __future__ import annotations

import base64
import hashlib
from functools import partial
from importlib import resources

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup, escape

from smart_tuner.messages import Language
from smart_tuner.reports import svg
from smart_tuner.reports.blocks import Page

TEMPLATE, STYLE, SCRIPT = "page.html", "page.css", "page.js"


def page_html(page: Page) -> str:
    """The whole file."""
    environment = Environment(
        loader=FunctionLoader(_asset), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    environment.filters |= {"told": told, "breakable": breakable}
    style, script = _asset(STYLE), _asset(SCRIPT)
    language = Language(page.language)
    return environment.get_template(TEMPLATE).render(
        page=page,
        policy=policy(style, script),
        style=Markup(style),
        script=Markup(script),
        draw=partial(svg.draw, language=language),
        legend_line=svg.legend_line,
    )


def told(sentence: str) -> Markup:
    """A sentence whose commands, between backticks, are set as such."""
    parts = sentence.split("`")
    if len(parts) % 2 == 0:  # a backtick of its own
        return escape(sentence)
    commands = (Markup("<code>{}</code>").format(part) if index % 2 else escape(part)
                for index, part in enumerate(parts))  # fmt: skip
    return Markup().join(commands)


def breakable(name: str) -> Markup:
    """A name whose line may end after an underscore."""
    return escape(name).replace("_", Markup("_<wbr>"))


def policy(style: str, script: str) -> str:
    """The Content-Security-Policy of a page with these and no others."""
    return "; ".join(
        (
            "default-src 'none'",
            "img-src data:",
            "media-src data:",
            f"style-src '{_hash(style)}'",
            f"script-src '{_hash(script)}'",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"sha256-{base64.b64encode(digest).decode('ascii')}"


def _asset(name: str) -> str:
    return (resources.files("smart_tuner.reports") / "assets" / name).read_text(encoding="utf-8")
