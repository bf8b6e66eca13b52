"""Fine-tuning: what a training begins with."""

from __future__ import annotations

from enum import unique

from smart_tuner.messages.phrase import Phrase


@unique
class FinetunePhrase(Phrase):
    """What `smart-tuner finetune` says, and what is said of a run that it began."""

    BASE_NOT_READ = "smart-tuner: --from: {detail}", "smart-tuner: --from: основу нельзя прочесть: {detail}"
    NO_SUCH_BASE = (
        "--from {name}: no such base. It is a voice (NAME.voice.zip or its folder), a checkpoint "
        "(RUN/checkpoints/best-STEP.ckpt), a run by its name or folder, registry:VERSION, or a "
        "published Tacotron 2; there is none of that name in {folder} either",
        "--from {name}: такой основы нет. Это файл или папка голоса, файл весов, имя или папка запуска, "
        "голос из реестра или опубликованная модель; нет такого имени и в {folder}",
    )
    BASE_OF_RUN = (
        "  begins with {base} ({kind}, r = {r}, weights {sha})",
        "  основа {base} ({kind}, r = {r}, веса {sha})",
    )
    KIND_VOICE = "a voice", "голос"
    KIND_CHECKPOINT = "a checkpoint", "веса запуска"
    KIND_PUBLISHED = "a published model", "опубликованная модель"
    OWN_COPY = (
        "{base} is not there any more: the run {run} goes on with its own copy of it",
        "{base} больше нет: запуск {run} продолжается со своей копией",
    )
    BASE_CHANGED = (
        "{base} has changed since the run {run} began with it (weights {before} then, {now} now). To go "
        "on with that run: --from {copy}. To begin anew with what is there now: --new",
        "{base}: файл изменился с тех пор, как с него начался запуск {run} (веса были {before}, теперь "
        "{now}). Чтобы продолжить тот запуск: --from {copy}. Чтобы начать заново с нынешнего: --new",
    )
    OTHER_AUDIO = (
        "{base}: its spectrograms are others than those asked for: {keys}. Weights for one kind are of "
        "little use for another: leave these keys out, or say --other-audio",
        "{base}: спектрограммы основы не те, что заданы: {keys}. Веса для одних мало годятся для других: "
        "уберите эти ключи или добавьте --other-audio",
    )
    SIZES_OF_BASE = (
        "sizes come from the base, not from the preset: {keys}. To change one all the same: --set",
        "размеры модели берутся у основы, а не из набора настроек: {keys}. Всё же изменить их: --set",
    )
    NEW_TENSORS = (
        "{count} {count:tensor|tensors} of the model {count:does|do} not come from the base: {names}",
        "не из основы {count:взят|взяты|взяты} {count} {count:тензор|тензора|тензоров} модели: {names}",
    )
    NEW_TENSOR = "{name} ({why})", "{name} ({why})"
    TENSORS_MORE = "and {count} more", "и ещё {count}"
    KEY_DIFFERS = "{key}={here}, the base has {there}", "{key}={here}, у основы {there}"
    NEEDS_FINETUNE = (
        "these settings are of a fine-tuning from {base}: `smart-tuner finetune --from BASE` begins such "
        "a training; for one from random weights say --set base.base_sha256=",
        "это настройки дообучения с основой {base}: его начинает `smart-tuner finetune`; обучение со "
        "случайных весов: --set base.base_sha256=",
    )
    PRESET_NEEDS_BASE = (
        "the preset {preset} has no model of its own: it trains on from a voice. `smart-tuner finetune "
        "--from BASE` does; for a training from random weights take another preset, such as small",
        "набор настроек {preset} не задаёт модели: с ним дообучают готовый голос. Это делает `smart-tuner "
        "finetune --from`; для обучения со случайных весов возьмите другой набор, например `small`",
    )
    FINETUNED_FROM = "Fine-tuned from {base} (weights {sha}).", "Дообучение с основой {base} (веса {sha})."
