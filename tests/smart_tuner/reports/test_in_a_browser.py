"""The pages in a real browser: what moves, what sounds, what is asked of the network, what can be read."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from smart_tuner.messages import Language
from smart_tuner.run_report import write_run_report, write_study_report
from tests.smart_tuner.reports.recorded_run import SENTENCE_S, whole_run
from tests.smart_tuner.reports.recorded_study import recorded_study

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium on this machine (Debian: apt-get install chromium)"
)
WIDTHS = (390, 1280)
LEAST_CONTRAST = 4.5
"""Of text, WCAG 2.2, level AA."""
CONTRASTS = """() => {
  const parse = (text) => [...text.match(/[\\d.]+/g).map(Number), 1].slice(0, 4);
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const colour = parse(getComputedStyle(each).backgroundColor);
      if (colour[3] === 1) return colour;
    }
    return [255, 255, 255, 1];
  };
  document.querySelectorAll("details").forEach((each) => { each.open = true; });
  const found = [];
  for (const element of document.body.querySelectorAll("*")) {
    const words = [...element.childNodes].filter((n) => n.nodeType === 3 && n.textContent.trim());
    if (!words.length || ["SCRIPT", "TITLE", "DESC"].includes(element.tagName.toUpperCase())) continue;
    if (element.disabled || !element.getClientRects().length) continue;
    const style = getComputedStyle(element);
    const ink = parse(element.closest("svg") ? style.fill : style.color);
    const [a, b] = [light(ink), light(ground(element))];
    found.push([(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), words[0].textContent.trim()]);
  }
  return found;
}"""


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The report of a run and of a study."""
    folder = tmp_path_factory.mktemp("runs")
    run = write_run_report(whole_run(folder), Language.EN)
    return {"run": run, "study": write_study_report(recorded_study(folder), Language.RU)}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []  # Chromium has none for root
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=sandbox)
        yield started
        started.close()


class Watched:
    """A page, and everything that it said and asked for."""

    def __init__(self, browser: Browser, file: Path, width: int = 1280, scheme: str = "light") -> None:
        dark = "dark" if scheme == "dark" else "light"
        self.context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=dark)
        self.page: Page = self.context.new_page()
        self.said: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(file.as_uri())

    def __enter__(self) -> Watched:
        return self

    def __exit__(self, *_: object) -> None:
        self.context.close()


def test_the_slider_shows_another_map(browser: Browser, pages: dict[str, Path]) -> None:
    with Watched(browser, pages["run"]) as watched:
        page = watched.page
        slider, shown, told = (
            page.locator("input[type=range]"),
            page.locator(".frame.current"),
            page.locator("output"),
        )
        pictures = {shown.locator("img").get_attribute("src")}
        assert told.inner_text() == "step 40" and shown.is_visible()
        assert page.locator(".frame:visible").count() == 1
        slider.focus()
        page.keyboard.press("ArrowLeft")
        assert told.inner_text() == "step 30" == slider.get_attribute("aria-valuetext")
        pictures.add(shown.locator("img").get_attribute("src"))
        page.keyboard.press("Home")
        assert told.inner_text() == "step 10"
        assert page.get_by_role("button", name="earlier").is_disabled()
        pictures.add(shown.locator("img").get_attribute("src"))
        page.get_by_role("button", name="later").click()
        assert told.inner_text() == "step 20"
        assert len(pictures) == 3
        assert shown.locator("img").evaluate("image => image.naturalWidth") == 320


def test_sounds_can_be_played(browser: Browser, pages: dict[str, Path]) -> None:
    with Watched(browser, pages["run"]) as watched:
        ready = "() => [...document.querySelectorAll('audio')].every(each => each.readyState >= 1)"
        watched.page.wait_for_function(ready)
        durations = watched.page.eval_on_selector_all("audio", "all => all.map(each => each.duration)")
        assert len(durations) == 5
        assert all(each == pytest.approx(SENTENCE_S, abs=0.15) for each in durations)


@pytest.mark.parametrize("name", ["run", "study"])
def test_it_asks_nobody_and_complains_of_nothing(browser: Browser, pages: dict[str, Path], name: str) -> None:
    with Watched(browser, pages[name]) as watched:
        watched.page.wait_for_load_state("networkidle")
        assert watched.said == []
        outside = [each for each in watched.asked if not each.startswith(("data:", pages[name].as_uri()))]
        assert outside == []
        watched.page.evaluate("""() => new Promise((resolve) => {
            document.addEventListener("securitypolicyviolation", resolve, {once: true});
            document.body.append(Object.assign(new Image(), {src: "http://127.0.0.1:9/x.png"}));
        })""")


@pytest.mark.parametrize("name", ["run", "study"])
@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_is_wider_than_the_screen(
    browser: Browser, pages: dict[str, Path], name: str, width: int
) -> None:
    with Watched(browser, pages[name], width) as watched:
        watched.page.eval_on_selector_all("details", "all => all.forEach(each => { each.open = true; })")
        assert watched.page.evaluate("document.documentElement.scrollWidth") == width


@pytest.mark.parametrize("name", ["run", "study"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_word_can_be_read(browser: Browser, pages: dict[str, Path], name: str, scheme: str) -> None:
    with Watched(browser, pages[name], scheme=scheme) as watched:
        found = watched.page.evaluate(CONTRASTS)
        assert len(found) > 30
        assert [each for each in found if each[0] < LEAST_CONTRAST] == []


def test_without_a_script_everything_is_still_there(browser: Browser, pages: dict[str, Path]) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(pages["run"].as_uri())
    assert page.locator(".frame:visible").count() == 4
    assert not page.locator("input[type=range]").is_visible()
    context.close()
