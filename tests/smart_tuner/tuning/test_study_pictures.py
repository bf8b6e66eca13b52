"""The pictures of a study: written, not blank, and without texts over one another."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.image import imread
from matplotlib.text import Text

from smart_tuner.config import load_config
from smart_tuner.tuning import study_pictures
from smart_tuner.tuning.dimensions import Dimension
from smart_tuner.tuning.importance import importances
from smart_tuner.tuning.search_space import SearchSpace
from smart_tuner.tuning.study_pictures import place, save_history, save_importance, save_parallel
from tacotron2.hparams import HParams
from tests.smart_tuner.tuning.judged_study import MISSED, end, judged_study

PARTS = ["model.use_mmi=true", "model.use_ddc=true", "model.use_gst=true", "model.n_frames_per_step=2"]
CONFIG = load_config("probe", [*PARTS, "space.n_frames_per_step_choices=1, 2, 3"])
SPACE = SearchSpace.of(CONFIG)
REFERENCES = {
    "the report's values": SPACE.values_of(HParams()),
    "the preset's values": SPACE.values_of(CONFIG.hparams),
}


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """The figures that are saved."""
    kept: list[Figure] = []
    save = study_pictures._save

    def keep(figure: Figure, path: Path) -> None:
        kept.append(figure)
        save(figure, path)

    monkeypatch.setattr(study_pictures, "_save", keep)
    return kept


def coloured_share(path: Path) -> float:
    """Share of the pixels that are neither white nor grey."""
    pixels = imread(path)[..., :3]
    assert pixels.shape[1] == 1008 and pixels.shape[0] > 400
    return float((np.ptp(pixels, axis=2) > 0.2).mean())


def overlapping(figure: Figure) -> list[tuple[str, str]]:
    """Texts over one another. None leaves the picture."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    renderer: Any = canvas.get_renderer()
    texts = [each for each in figure.findobj(Text) if each.get_visible() and each.get_text().strip()]
    boxes = [(each.get_text(), each.get_window_extent(renderer)) for each in texts]
    pairs = [
        (first[0], second[0])
        for first, second in combinations(boxes, 2)
        if first[1].shrunk(0.9, 0.9).overlaps(second[1].shrunk(0.9, 0.9))
    ]
    drawn, page = figure.get_tightbbox(renderer), figure.bbox_inches
    assert drawn.x0 >= page.x0 and drawn.y0 >= page.y0 and drawn.x1 <= page.x1 and drawn.y1 <= page.y1
    return pairs


@pytest.mark.parametrize("num_trials", [5, 40, 200])
def test_pictures_are_drawn_and_no_text_is_over_another(
    tmp_path: Path, figures: list[Figure], num_trials: int
) -> None:
    assert len(SPACE.dimensions) == 17
    study = judged_study(CONFIG, num_trials)
    save_history(tmp_path / "history.png", "night", study.trials, REFERENCES)
    save_parallel(tmp_path / "parallel.png", "night", study.trials, SPACE.dimensions)
    assert coloured_share(tmp_path / "history.png") > 0.002
    assert coloured_share(tmp_path / "parallel.png") > 0.01
    shares = importances(study)
    assert bool(shares) is (num_trials > 5)
    if shares:
        save_importance(tmp_path / "importance.png", "night", shares, 30)
        assert coloured_share(tmp_path / "importance.png") > 0.02
    for figure in figures:
        assert overlapping(figure) == []


def legend(figure: Figure) -> set[str]:
    return {text.get_text() for each in figure.legends for text in each.get_texts()}


def test_the_history_tells_all_kinds_of_trials_apart(tmp_path: Path, figures: list[Figure]) -> None:
    study = judged_study(CONFIG)
    for score, cause in ((0.3, "completed"), (0.5, "completed"), (0.4, "pruned"), (0.0, "crashed")):
        end(study, CONFIG, score, cause, [MISSED] if score == 0.3 else [])
    save_history(tmp_path / "history.png", "night", study.trials, REFERENCES)
    kinds = {"above the gate", "not above the gate", "pruned, when it was", "failed", "best so far"}
    compared = {"the report's values (trial 0)", "the preset's values (trial 1)"}
    assert legend(figures[0]) == kinds | compared
    drawn = {each.get_label(): each for each in figures[0].axes[0].collections}
    assert drawn["not above the gate"].get_offsets().tolist() == [[0, 0.3]]
    assert drawn["above the gate"].get_offsets().tolist() == [[1, 0.5]]


@pytest.mark.parametrize("cause", [None, "crashed", "pruned"])
def test_a_study_without_a_complete_trial_has_a_history(
    tmp_path: Path, figures: list[Figure], cause: str | None
) -> None:
    study = judged_study(CONFIG)
    if cause:
        end(study, CONFIG, 0.4, cause)
    save_history(tmp_path / "history.png", "night", study.trials, REFERENCES)
    assert (tmp_path / "history.png").stat().st_size > 5000
    assert "best so far" not in legend(figures[0])


def test_equal_scores_and_no_winner_are_drawn(tmp_path: Path) -> None:
    study = judged_study(CONFIG)
    for _ in range(3):
        end(study, CONFIG, 0.3, missed=[MISSED])
    save_parallel(tmp_path / "parallel.png", "night", study.trials, SPACE.dimensions)
    assert coloured_share(tmp_path / "parallel.png") > 0.005


def test_values_lie_where_their_scale_has_them() -> None:
    rate = Dimension("learning_rate", "float", 1e-6, 1e-2, log=True)
    assert [place(rate, value) for value in (1e-6, 1e-4, 1e-2)] == pytest.approx([0.0, 0.5, 1.0])
    steps = Dimension("warmup_steps", "int", 0, 100)
    assert place(steps, 25) == 0.25
    batch = Dimension("batch_size", "choice", choices=(8, 16, 32))
    assert [place(batch, value) for value in batch.choices] == [0.0, 0.5, 1.0]
