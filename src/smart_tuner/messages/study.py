"""What is told of a study while it runs: its trials, its cost, its end."""

from __future__ import annotations

from enum import unique

from smart_tuner.messages.phrase import Phrase


@unique
class StudyPhrase(Phrase):
    """Studies and trials."""

    NEW_STUDY = (
        "New study {study}\n  folder     {folder}\n  storage    {storage}\n  sampler    {sampler}",
        "Новый подбор {study}\n  папка     {folder}\n  хранилище {storage}\n  сэмплер   {sampler}",
    )
    STUDY_GOES_ON = (
        "Going on with the study {study}: {trials} {trials:trial|trials} so far",
        "Подбор {study} продолжается: {trials} {trials:проба|пробы|проб} уже есть",
    )
    JOINED = "Joined the study {study} at {storage}", "Участие в подборе {study}, хранилище {storage}"
    MEASURING = (
        "Measuring what a trial costs, and whether the recordings are there",
        "Измеряется, во что обойдётся проба и на месте ли записи",
    )
    ESTIMATE = (
        "At most {trials} {trials:trial|trials} of {steps} updates, about {seconds:duration} each on {slots} "
        "{slots:device|devices}: {total:duration} in all, less what is pruned",
        "Не больше {trials} {trials:пробы|проб|проб} по {steps} обновлений, каждая около {seconds:duration}, "
        "устройств: {slots}; всего {total:duration}, отсев сократит",
    )
    TRIAL_BEGINS = "trial {trial} ({proposer}) begins", "проба {trial} ({proposer}) началась"
    TRIAL_DONE = (
        "trial {trial}: score {score:.3f}, {gate}",
        "проба {trial}: оценка {score:.3f}, {gate}",
    )
    GATE_OPEN = "above the gate", "порог пройден"
    GATE_SHUT = "not above the gate: {failures}", "порог не пройден: {failures}"
    TRIAL_REPEATED = (
        "trial {trial}: the same values as trial {earlier}, not run again",
        "проба {trial}: те же значения, что у пробы {earlier}; второй раз не считается",
    )
    TRIAL_PRUNED = (
        "trial {trial}: pruned at step {step}, score {score:.3f}",
        "проба {trial}: отсеяна на шаге {step}, оценка {score:.3f}",
    )
    TRIAL_FAILED = (
        "trial {trial} failed: {cause}. {detail}",
        "проба {trial} не удалась: {cause}. {detail}",
    )
    TRIAL_CUT_OFF = (
        "{count} {count:trial|trials} of a process that is gone {count:goes|go} on",
        "{count} {count:проба|пробы|проб} прерванной работы {count:продолжается|продолжаются|продолжаются}",
    )
    TRIAL_TAKEN = (
        "trial {trial}: no sign of life had come through for a while, and another worker goes on with it",
        "проба {trial}: признаков жизни какое-то время не было, и её продолжает другой участник",
    )
    FOLDER_TAKEN = (
        "{folder} is still worked on by another process; waiting for it",
        "с папкой {folder} ещё работает другой процесс; ожидание",
    )
    OTHER_TRIAL_THERE = (
        "{folder} holds a training of other settings; remove it, or give the study another name",
        "в {folder} лежит обучение с другими настройками; удалите его или дайте подбору другое имя",
    )
    OTHER_STUDY_THERE = (
        "{file} is of a study with other settings; give this one another name or take another --runs-folder",
        "{file} — от подбора с другими настройками; дайте этому другое имя или возьмите другую --runs-folder",
    )
    GENERATION = (
        "CMA-ES is active: generation {generation} is complete",
        "CMA-ES работает: поколение {generation} завершено",
    )
    DEVICE_TAKEN = (
        "device {device} has a trial of another command; waiting for it",
        "устройство {device} занято пробой другой команды; ожидание",
    )
    SLOT_ENDED = (
        "device {device} worked on no further trial (status {status}); the others did its share",
        "устройство {device} выбыло (статус {status}); его пробы достались остальным",
    )
    BUDGET_USED = "the budget is used up: {what}", "бюджет исчерпан: {what}"
    NO_TRIALS_LEFT = "{limit} trials", "число проб {limit}"
    NO_HOURS_LEFT = "{limit:g} hours", "время {limit:g} ч"
    NO_STEPS_LEFT = "{limit} updates", "число обновлений {limit}"
    NOTHING_WORKS = (
        "the first {trials} trials have all failed, the last one by {cause}: {detail}",
        "первые {trials} проб не удались, последняя: {cause}, {detail}",
    )
    NO_WINNER = (
        "no trial came above the gate, so there is no best configuration; see {file}",
        "ни одна проба не прошла порог, лучшей конфигурации нет; см. {file}",
    )
    WINNER = (
        "Best: trial {trial}, score {score:.3f}. Train it: `smart-tuner train --preset {file}`",
        "Лучшая: проба {trial}, оценка {score:.3f}. Обучить её: `smart-tuner train --preset {file}`",
    )
    STUDY_ENDED = "The study ended: {reason}", "Подбор окончен: {reason}"
    SAME_COMMAND = "The same command goes on with it", "Продолжит та же команда"
    HALVING = (
        "Tuning for about {minutes:g} min: several settings begin this training, the best of them goes on",
        "Подбор, около {minutes:g} мин: обучение начинают несколько настроек, лучшая его продолжит",
    )
    WARMING = (
        "Tuning: this training begins with the preset's values; when attention has formed, {number} settings "
        "go on from there, and the best of them to the end",
        "Подбор: обучение начинается со значений пресета; когда внимание сложится, с этого места пойдут "
        "{number} настроек, и лучшая — до конца",
    )
    REPORTS_VALUES = "the report's values", "значения отчёта"
    PRESETS_VALUES = "the preset's values", "значения пресета"
    NEAR_VALUES = "values near the preset's", "значения рядом с пресетом"
    CANDIDATE = (
        "candidate {number} ({name}): score {score:.3f} by step {step}",
        "кандидат {number} ({name}): оценка {score:.3f} к шагу {step}",
    )
    SURVIVOR = (
        "Candidate {number} goes on as the training; otherwise than the preset: {values}",
        "Обучение продолжит кандидат {number}; от пресета отличается: {values}",
    )
    NO_SURVIVOR = (
        "no candidate could be judged; the training begins with the preset's values",
        "ни одного кандидата оценить не удалось; обучение начнётся со значений пресета",
    )
    STUDY_LOCKED = (
        "{study}: another command works on this study; on another device join it with `smart-tuner join`",
        "{study}: над этим подбором работает другая команда; на другом устройстве — `smart-tuner join`",
    )
    BAD_STUDY_NAME = (
        "{name}: no name for a study; letters, digits, `_`, `-` and `.`, at most 100 of them",
        "{name}: так подбор назвать нельзя; годятся буквы, цифры, `_`, `-` и `.`, не больше 100 знаков",
    )
    NO_SUCH_STUDY = (
        "{storage} holds no study {study}; `smart-tuner optimize --study {study} --storage ...` begins it",
        "в {storage} нет подбора {study}; его начинает `smart-tuner optimize --study {study} --storage ...`",
    )
    BAD_DEVICES = (
        "--devices {devices}: names parted by commas, none of them twice, as in 0,1",
        "--devices {devices}: имена через запятую, без повторов, например 0,1",
    )
