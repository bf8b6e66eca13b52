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
    TRIAL_LINE = "  trial {trial:>4}  {score:.3f}  {values}", "  проба {trial:>4}  {score:.3f}  {values}"
    GENERATIONS = (
        "CMA-ES completed {generations} {generations:generation|generations}",
        "CMA-ES завершил поколений: {generations}",
    )
