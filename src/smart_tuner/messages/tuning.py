"""What is said about how a study searches and what it found."""

from __future__ import annotations

from enum import unique

from smart_tuner.messages.phrase import Phrase


@unique
class TuningPhrase(Phrase):
    """Samplers, and why this one."""

    SAMPLER_CMA = (
        "CMA-ES, population {population}, after {startup} {startup:trial|trials} by chance",
        "CMA-ES, популяция {population}, после {startup} {startup:пробы|проб|проб} наугад",
    )
    SAMPLER_TOO_FEW = (
        "multivariate TPE: {trials} trials are too few for CMA-ES, which needs {needed} here",
        "многомерный TPE: {trials} проб мало для CMA-ES, нужно {needed}",
    )
    SAMPLER_NOTHING_CONTINUOUS = (
        "multivariate TPE: nothing continuous is tuned",
        "многомерный TPE: непрерывных параметров нет",
    )
    SAMPLER_TPE = "multivariate TPE, as asked", "многомерный TPE, по просьбе"
    SAMPLER_RANDOM = "chance, as asked", "случайный выбор, по просьбе"

    COUNTS = (
        "{complete} {complete:trial|trials} complete, {pruned} pruned, {failed} failed",
        "завершено проб: {complete}, отсеяно: {pruned}, не удалось: {failed}",
    )
    TABLE_TRIALS = "  trial                   {values}", "  проба                   {values}"
    TABLE_SCORES = "  score                   {values}", "  оценка                  {values}"
    TABLE_VALUES = "  {name:<24}{values}", "  {name:<24}{values}"
    STOPPED_BY_GATE = (
        "trial {trial} cannot be the best: {failures}",
        "проба {trial} не может быть лучшей: {failures}",
    )
    RANK_CORRELATIONS = (
        "rank correlation of the scores at the rungs with the final ones: {values}",
        "ранговая корреляция оценок на ступенях с окончательными: {values}",
    )
    GENERATIONS = (
        "CMA-ES completed {generations} {generations:generation|generations}",
        "CMA-ES завершил поколений: {generations}",
    )
    NO_IMPORTANCE = (
        "what mattered cannot be told: that needs {needed} complete trials that differ; there are {trials}",
        "что было важно, сказать нельзя: нужно разных завершённых проб {needed}, а есть {trials}",
    )
    PICTURES = "Pictures in {folder}: {names}", "Картинки в {folder}: {names}"
    NO_STUDIES = "no studies in {folder}", "в папке {folder} нет подборов"
    HEAD_STUDY = "study", "подбор"
    HEAD_TRIALS = "trials", "пробы"
    HEAD_COMPLETE = "complete", "готово"
    HEAD_BEST = "best", "лучшая"
    NO_STUDY_THERE = (
        "{folder}: there is no study; `smart-tuner study list` names those that there are",
        "{folder}: подбора нет; какие есть, скажет `smart-tuner study list`",
    )
    STUDY_ELSEWHERE = (
        "{file}: not there; the trials of this study are kept elsewhere, name the place with --storage",
        "{file}: файла нет; пробы этого подбора хранятся в другом месте, назовите его с --storage",
    )
