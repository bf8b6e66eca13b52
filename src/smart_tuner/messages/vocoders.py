"""What is said of vocoders."""

from __future__ import annotations

from enum import unique

from smart_tuner.messages.phrase import Phrase


@unique
class VocoderPhrase(Phrase):
    """Before a training, at its end, in the report, and of spectrograms for a vocoder."""

    VOCODER_OPENS = "the vocoder can be used", "вокодер можно использовать"
    VOCODER_MEND = (
        "name another one with --set vocoder.vocoder=...; without it the voice speaks by Griffin-Lim alone",
        "укажите другой: --set vocoder.vocoder=...; без него голос звучит только по Гриффину-Лиму",
    )
    VOCODER_FAILED = (
        "{name} did not speak the test sentences: {detail}; those of Griffin-Lim are there",
        "{name}: тестовые предложения не сказаны: {detail}; сказанные по Гриффину-Лиму на месте",
    )
    VOCODER_SPOKE = (
        "{count} {count:sentence|sentences} by {name} too, in {folder}",
        "ещё {count} {count:предложение|предложения|предложений}, вокодер {name}, в {folder}",
    )
    VOCODER_LISTEN = (
        "Each by Griffin-Lim, which needs no training, and by {name}. Beside it: how far the sound is from "
        "the spectrogram that it was made of; 0 is perfect.",
        "Каждое по Гриффину-Лиму, который не обучают, и вокодером {name}. Рядом: насколько звук далёк от "
        "спектрограммы, из которой получен; 0 – идеально.",
    )
    VOCODER_NOTE = "re-analysis {value}", "повторный анализ {value}"
    EXPORT_FAILED = (
        "smart-tuner: nothing was exported: {detail}",
        "smart-tuner: ничего не выгружено: {detail}",
    )
    EXPORT_DONE = (
        "{folder}: {training} {training:clip|clips} to learn from, {validation} for validation, "
        "{minutes:.1f} minutes",
        "{folder}: для обучения {training} {training:запись|записи|записей}, для проверки {validation}, "
        "{minutes:.1f} мин",
    )
    EXPORT_LEFT_OUT = (
        "left out: {count} {count:clip|clips}, the first: {reason}",
        "пропущено: {count} {count:запись|записи|записей}, первая: {reason}",
    )
