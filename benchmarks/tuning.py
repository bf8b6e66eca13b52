"""Which sampler finds the best settings, on a surrogate of recorded trainings; and what rungs tell and save.

    PYTHONPATH=src python benchmarks/tuning.py --seeds 10

The record, `benchmarks/data/probe_trials.jsonl`, holds trainings of the preset `probe` with random settings,
each with all its validations as [utterances seen, alignment, mel quality, stop score, val_loss, gate
accuracy]. A Gaussian process on it answers what a training with other settings would score; to each answer
noise is added as large as that from seed to seed. Every sampler gets the same first two trials, the report's
and the preset's values. Compared is what the best trial is worth without noise.
`--record N --first K` adds N records, each a training.
"""

from __future__ import annotations

import json
import math
import random
import tempfile
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import optuna
from measuring import arguments, begin, table

from smart_tuner.config import load_config
from smart_tuner.objective import judge
from smart_tuner.tuning.dimensions import Dimension
from smart_tuner.tuning.rungs import goes_on, spearman
from smart_tuner.tuning.samplers import SamplerPlan, before_evolution, has_begun, make_sampler, plan_sampler
from smart_tuner.tuning.search_space import SearchSpace
from smart_tuner.tuning.settings import GateSettings, TuningSettings
from tacotron2.events import Event, ValidationEvent
from tacotron2.hparams import HParams

RECORD = Path(__file__).with_name("data") / "probe_trials.jsonl"
FIGURES = ("attention_alignment", "mel_quality_score", "stop_score", "val_loss", "gate_accuracy")
NOISES = (0.005, 0.03)
"""Deviation from seed to seed, five seeds each: of tuned settings, and of the preset (`tuned.py`)."""
OPTUNAS = "Optuna's"
BUDGETS = (20, 40, 80)
FOLDS = 5
Objective = Callable[[Mapping[str, Any]], float]


def space_of_probe() -> SearchSpace:
    return SearchSpace.of(load_config("probe"))


def scores(trial: Mapping[str, Any]) -> list[float]:
    """The best score so far after each validation of a record; 0 where one could not be judged."""
    best, found = 0.0, []
    for _, *values in trial["validations"]:
        figures = {name: value for name, value in zip(FIGURES, values, strict=True) if value is not None}
        if len(figures) == len(FIGURES):
            event = ValidationEvent(0, figures, figures, 0.0)
            best = max(best, judge(event, TuningSettings(), GateSettings()).value)
        found.append(best)
    return found


def place(dimension: Dimension, value: Any) -> list[float]:
    """A value as 0-1 of its range; a choice as one column for each."""
    if dimension.kind == "choice":
        return [float(value == each) for each in dimension.choices]
    return [dimension.place(max(value, dimension.low))]


def columns(space: SearchSpace, params: Mapping[str, Any]) -> list[float]:
    return [number for each in space.dimensions for number in place(each, params[each.leaf])]


def known(guessed: np.ndarray, worth: np.ndarray) -> str:
    r2 = 1.0 - float(((guessed - worth) ** 2).sum() / ((worth - worth.mean()) ** 2).sum())
    return f"R2 {r2:.2f}, rank correlation {spearman(list(guessed), list(worth)) or math.nan:.2f}"


class Surrogate:
    """What a training would score, and how well that is known."""

    def __init__(self, space: SearchSpace, trials: Sequence[Mapping[str, Any]]) -> None:
        from sklearn.gaussian_process import GaussianProcessRegressor
        from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel
        from sklearn.model_selection import KFold, cross_val_predict

        self._space = space
        inputs = np.array([columns(space, trial["params"]) for trial in trials])
        worth = np.array([scores(trial)[-1] for trial in trials])
        kernel = ConstantKernel() * RBF(np.ones(inputs.shape[1]), (0.1, 100.0)) + WhiteKernel(1e-3)
        self._model = GaussianProcessRegressor(kernel, normalize_y=True, random_state=0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a length scale at its bound: a dimension without influence
            folds = KFold(FOLDS, shuffle=True, random_state=0)
            guessed = cross_val_predict(self._model, inputs, worth, cv=folds)
            self._model.fit(inputs, worth)
        self.known = known(guessed, worth)
        best = np.argsort(-worth)[: len(worth) // 3]
        self.known_of_the_best = known(guessed[best], worth[best])

    def __call__(self, params: Mapping[str, Any]) -> float:
        return float(self._model.predict(np.array([columns(self._space, params)]))[0])


def plan_of(name: str, space: SearchSpace) -> SamplerPlan | None:
    """`cma-es 6/10` is a population of 6 after 10 first trials; None for what is not ours."""
    kind, _, sizes = name.partition(" ")
    if kind == OPTUNAS:
        return None
    if kind == "cma-es":
        population, startup = map(int, sizes.split("/"))
        settings = TuningSettings(population=population, startup_trials=startup)
        return plan_sampler(settings, space, max(BUDGETS))
    return plan_sampler(TuningSettings(sampler=kind), space, max(BUDGETS))


def search(
    name: str, space: SearchSpace, worth: Surrogate, seed: int, trials: int, deviation: float
) -> list[float]:
    """Best noiseless value after each trial, of the trial that looks best with noise."""
    noise, plan = random.Random(seed), plan_of(name, space)
    preset = space.values_of(load_config("probe").hparams)
    study = optuna.create_study(direction="maximize", sampler=sampler(plan, seed, preset))
    for params in (space.values_of(HParams()), preset):
        study.enqueue_trial(params)
    told, aimed = list[float](), plan is None or plan.kind != "cma-es"
    for number in range(trials):
        if not aimed:
            done = study.get_trials(deepcopy=False)
            aimed = has_begun(done)
            first = max(before_evolution(done), key=lambda trial: trial.value or 0.0, default=None)
            around = first.params if first and first.value is not None else preset
            study.sampler = sampler(plan, seed * 1_000_003 + number, around)
        trial = study.ask(space.distributions())
        study.tell(trial, worth(trial.params) + noise.gauss(0.0, deviation))
        told.append(worth(study.best_params))
    return told


def sampler(plan: SamplerPlan | None, seed: int, around: Mapping[str, Any]) -> optuna.samplers.BaseSampler:
    """Ours, or Optuna's own CMA-ES: from the middle of the space, choices by chance."""
    if plan is not None:
        return make_sampler(plan, seed, around)
    return optuna.samplers.CmaEsSampler(
        n_startup_trials=10, popsize=6, warn_independent_sampling=False, seed=seed
    )


def compare(
    space: SearchSpace, worth: Surrogate, names: Sequence[str], seeds: int, budgets: Sequence[int]
) -> None:
    """The first of the names is what the others are held against."""
    rows = []
    for noise in NOISES:
        first: list[list[float]] = []
        for name in names:
            runs = [search(name, space, worth, seed, max(budgets), noise) for seed in range(1, seeds + 1)]
            first, cells = first or runs, []
            for budget in budgets:
                at, base = (sorted(run[budget - 1] for run in each) for each in (runs, first))
                better = np.mean([(a > b) + 0.5 * (a == b) for a in at for b in base])
                cells.append(f"{median(at):.3f} ({at[0]:.3f}-{at[-1]:.3f}), {better:.0%}")
            rows.append([name, noise, *cells])
    head = ["sampler", "noise", *(f"after {budget} trials" for budget in budgets)]
    title = (
        f"Best score found, without noise: median of {seeds} seeds, smallest and largest; how often it is "
    )
    table(head, rows, f"{title}better than one of {names[0]}")


def rungs(trials: Sequence[Mapping[str, Any]], orders: int) -> None:
    """What a score at a rung says of the last one, and what rules of pruning would have done."""
    curves = [found[:6] for trial in trials if len(found := scores(trial)) >= 6]
    third = sorted(curves, key=lambda curve: -curve[-1])[: len(curves) // 3]
    rows = []
    for place in range(1, 6):
        pairs = ([(curve[place - 1], curve[-1]) for curve in among] for among in (curves, third))
        rows.append([f"{place}/6", *(f"{spearman(*zip(*each, strict=True)):.3f}" for each in pairs)])
    head = ["share of the work", "rank correlation with the end", "among the best third"]
    table(head, rows, f"Rungs, {len(curves)} trainings")
    rows = []
    for factor, places in ((3, (1, 2)), (2, (1, 2, 3)), (4, (1, 2)), (3, (2,))):
        cells = []
        for among in (curves, third):
            shuffled = (random.Random(seed).sample(among, len(among)) for seed in range(orders))
            done = [halved(each, places, factor, 6) for each in shuffled]
            lost = [max(curve[-1] for curve in among) - best for _, best in done]
            spent = median(each for each, _ in done)
            cells += [f"{spent:.0%}", f"{lost.count(0.0)}/{orders}", f"{max(lost):.3f}"]
        rows.append([f"best 1/{factor} at {', '.join(f'{place}/6' for place in places)}", *cells])
    head = ["work spent", "the best one kept", "score lost at worst"]
    head += [f"{each}, best third" for each in head]
    title = f"Pruning, {orders} random orders of all trainings, and of the best third alone"
    table(["rule", *head], rows, title)


def halved(
    curves: Sequence[Sequence[float]], places: Sequence[int], factor: int, length: int
) -> tuple[float, float]:
    """Share of the work that is spent, and the best score of a training that came to its end."""
    seen: dict[int, list[float]] = {number: [] for number in places}
    spent, best = 0, 0.0
    for curve in curves:
        stopped = length
        for number in places:
            others = list(seen[number])
            seen[number].append(curve[number - 1])
            if not goes_on(curve[number - 1], others, factor):
                stopped = number
                break
        spent += stopped
        if stopped == length:
            best = max(best, curve[length - 1])
    return spent / (length * len(curves)), best


def drawn(space: SearchSpace, number: int) -> dict[str, Any]:
    """Settings by chance; of most of them the rate is one at which something is learned."""
    source = random.Random(number)
    params: dict[str, Any] = {}
    for each in space.dimensions:
        if each.kind == "choice":
            params[each.leaf] = source.choice(each.choices)
            continue
        ends = (math.log(each.low), math.log(each.high)) if each.log else (each.low, each.high)
        value = math.exp(source.uniform(*ends)) if each.log else source.uniform(*ends)
        params[each.leaf] = round(value) if each.kind == "int" else value
    if source.random() < 0.6:
        params["learning_rate"] = math.exp(source.uniform(math.log(5e-4), math.log(2e-2)))
    return params


def record(space: SearchSpace, first: int, count: int) -> None:
    """Trainings with settings by chance, added to the record."""
    from tuned import sets_of

    from tacotron2.training import train

    base = load_config("probe").hparams.replace(free_running_clips=24)
    with tempfile.TemporaryDirectory(prefix="benchmark-") as name:
        train_set, validation_set, _ = sets_of(base, Path(name))
        for number in range(first, first + count):
            params, events = drawn(space, number), list[Event]()
            hparams = space.apply(base, params).replace(seed=number)
            with tempfile.TemporaryDirectory(dir=name) as folder:
                train(hparams, train_set, validation_set, Path(folder), device="cpu", emit=events.append)
            rows = [
                [
                    event.step * hparams.train.batch_size,
                    *((event.free_running | event.teacher_forced).get(figure) for figure in FIGURES),
                ]
                for event in events
                if isinstance(event, ValidationEvent)
            ]
            line = {"number": number, "params": params, "validations": rows}
            with RECORD.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")


def main() -> None:
    options = arguments(__doc__, seeds=10, record=0, first=1000, orders=200).parse_args()
    begin(options)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    space = space_of_probe()
    if options.record:
        record(space, options.first, options.record)
        return
    trials = [json.loads(line) for line in RECORD.read_text(encoding="utf-8").splitlines()]
    worth = Surrogate(space, trials)
    print(
        f"Surrogate of {len(trials)} trainings: {worth.known}; among the best third of them "
        f"{worth.known_of_the_best} ({FOLDS}-fold cross-validation).\n"
    )
    names = [
        "random",
        "tpe",
        f"{OPTUNAS} cma-es",
        *(f"cma-es {each}" for each in ("4/10", "6/5", "6/10", "8/10")),
    ]
    if options.tiny:
        compare(space, worth, ["random", "cma-es 4/5"], 2, (14,))
    else:
        compare(space, worth, names, options.seeds, BUDGETS)
    rungs(trials, 3 if options.tiny else options.orders)


if __name__ == "__main__":
    main()
