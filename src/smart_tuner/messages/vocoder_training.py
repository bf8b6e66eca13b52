"""What the training of a vocoder says."""

from __future__ import annotations

from enum import unique

from smart_tuner.messages.phrase import Phrase


@unique
class VocoderTrainingPhrase(Phrase):
    """The answers of `smart-tuner vocoder train` and `smart-tuner vocoder finetune`."""

    VOCODER_NOT_TRAINED = "smart-tuner: {detail}", "smart-tuner: вокодер не обучен: {detail}"
    VOCODER_BEGINS = (
        "{clips} {clips:clip|clips}, {minutes:.1f} minutes; {held_out} {held_out:clip|clips} held out; "
        "generator of {millions:.2f} million parameters",
        "{clips} {clips:запись|записи|записей}, {minutes:.1f} мин; отложено "
        "{held_out} {held_out:запись|записи|записей}; в генераторе {millions:.2f} млн параметров",
    )
    VOCODER_GOES_ON = "goes on from step {step} in {folder}", "продолжается с шага {step} в {folder}"
    VOCODER_LEFT_OUT = "left out: {reason}", "пропущено: {reason}"
    VOCODER_MORE_LEFT_OUT = (
        "left out: {count} more {count:clip|clips}",
        "пропущено: ещё {count} {count:запись|записи|записей}",
    )
    VOCODER_STEP = (
        "step {step} of {steps}: mel {mel:.3f}, features {features:.3f}, adversarial {adversarial:.3f}, "
        "discriminators {discriminators:.3f}; {pace:.2f} steps/s, {left} left",
        "шаг {step} из {steps}: мел {mel:.3f}, признаки {features:.3f}, состязание {adversarial:.3f}, "
        "дискриминаторы {discriminators:.3f}; {pace:.2f} шагов/с, осталось {left}",
    )
    VOCODER_VALIDATED = (
        "step {step}, held-out clips: mel error {mel_error:.3f}, distortion {distortion:.1f} dB",
        "шаг {step}, отложенные записи: ошибка мел-спектра {mel_error:.3f}, искажение {distortion:.1f} дБ",
    )
    VOCODER_SAVED = "saved: {path}", "сохранено: {path}"
    VOCODER_DONE = "Done: {folder}", "Готово: {folder}"
    VOCODER_STOPPED = (
        "Stopped at step {step}; the same command goes on from there.",
        "Остановлено на шаге {step}; та же команда продолжит с него.",
    )
    VOCODER_HOURS = "{hours} h {minutes} min", "{hours} ч {minutes} мин"
    VOCODER_NO_FOLDER = (
        "--data must name a folder of recordings",
        "--data должен называть папку с записями",
    )
