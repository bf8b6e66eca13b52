"""What `smart-tuner data analyze` tells of recordings."""

from __future__ import annotations

from enum import unique

from smart_tuner.messages.phrase import Phrase


@unique
class AnalysisPhrase(Phrase):
    """The summary in the terminal, and the page."""

    NOT_ANALYSED = "smart-tuner: {detail}", "smart-tuner: записи не разобраны: {detail}"
    ANALYSIS_OF = "Recordings before training", "Записи перед обучением"
    ANALYSED = (
        "{clips:,} {clips:clip|clips} of {named:,} can be used, {hours:.2f} hours, of which {speech:.2f} "
        "from the "
        "first to the last sound",
        "Годятся {clips:,} {clips:запись|записи|записей} из {named:,}, всего {hours:.2f} ч, из них "
        "{speech:.2f} ч от "
        "первого звука до последнего",
    )
    USUAL_CLIP = (
        "usual clip: {seconds:.1f} s, {tempo:.1f} symbols a second, {level:.0f} dB, {snr:.0f} dB above "
        "its noise",
        "обычная запись: {seconds:.1f} с, {tempo:.1f} символа в секунду, {level:.0f} дБ, на {snr:.0f} дБ "
        "громче шума",
    )
    SYMBOLS_SAID = (
        "{symbols} different symbols, {pairs} pairs of letters; never said: {missing}",
        "разных символов: {symbols}, пар букв: {pairs}; ни разу не сказаны: {missing}",
    )
    NOTHING_MISSING = "none", "таких нет"
    ODD_CLIPS = (
        "{count} {count:clip is|clips are} odd, {texts} of them with a text that may be wrong",
        "странных записей: {count}, из них с сомнительным текстом: {texts}",
    )
    ANALYSIS_WRITTEN = "as a page, to be opened in a browser: {path}", "страница для браузера: {path}"
    FIGURES_WRITTEN = "all figures: {path}", "все цифры: {path}"
    ANALYSIS_VERDICT_ODD = "{count} to listen to", "послушать: {count}"
    ANALYSIS_VERDICT_FINE = "nothing odd", "ничего странного"

    ANALYSIS_SHORT = "In short", "Коротко"
    FIGURE_CLIPS = "usable clips", "годных записей"
    FIGURE_HOURS = "hours", "часов"
    FIGURE_REJECTED = "cannot be used", "не годятся"
    FIGURE_ODD = "to listen to", "послушать"
    ANALYSIS_ADVICE = "What may be meant, and may not", "Что, может быть, задумано, а может быть, и нет"
    WRONG_TEXTS = "Texts that may be wrong", "Тексты, в которых, возможно, ошибка"
    WRONG_TEXTS_TOLD = (
        "These recordings are much longer or shorter than their texts usually take. Listen, and correct "
        "the text or "
        "remove the clip: a wrong text costs more than a missing one.",
        "Эти записи намного длиннее или короче, чем обычно занимает их текст. Послушайте и исправьте "
        "текст или "
        "удалите запись: неверный текст обходится дороже, чем недостающий.",
    )
    ODD_SOUNDS = "Recordings that are unlike the others", "Записи, не похожие на остальные"
    ODD_SOUNDS_TOLD = (
        "Far from the others in loudness, noise, pauses or band, or with silence at an end. Not every one "
        "is bad.",
        "Отличаются громкостью, шумом, паузами или полосой частот либо содержат тишину с краю. Плоха не "
        "каждая.",
    )
    TABLE_ODD = "All of them, the oddest first", "Все, начиная с самых странных"
    HEAD_ODD_CLIP = "clip", "запись"
    HEAD_ODD_WHY = "why", "почему"
    HEAD_ODD_TEXT = "text", "текст"

    ODD_LOUD = "{value:.0f} dB, usually {usual:.0f} dB", "громкость {value:.0f} дБ, обычно {usual:.0f} дБ"
    ODD_QUIET = (
        "only {value:.0f} dB, usually {usual:.0f} dB",
        "громкость всего {value:.0f} дБ, обычно {usual:.0f} дБ",
    )
    ODD_NOISY = (
        "only {value:.0f} dB above its noise, usually {usual:.0f} dB",
        "громче шума всего на {value:.0f} дБ, обычно на {usual:.0f} дБ",
    )
    ODD_CLIPPED = "{value:.1%} of the samples are cut off", "срезано {value:.1%} отсчётов"
    ODD_NARROW = (
        "nothing above {value:,.0f} Hz, usually {usual:,.0f} Hz",
        "выше {value:,.0f} Гц ничего нет, обычно {usual:,.0f} Гц",
    )
    ODD_PAUSES = (
        "{value:.0%} of it are pauses, usually {usual:.0%}",
        "паузы занимают {value:.0%}, обычно {usual:.0%}",
    )
    ODD_SILENCE = "{value:.1f} s of silence at an end", "тишина с краю, {value:.1f} с"
    ODD_TOO_LONG = (
        "{value:.1f} s, its text usually takes {usual:.1f} s: are words missing in it?",
        "{value:.1f} с, а такой текст обычно занимает {usual:.1f} с: не пропущены ли в нём слова?",
    )
    ODD_TOO_SHORT = (
        "{value:.1f} s, its text usually takes {usual:.1f} s: is all of it said?",
        "{value:.1f} с, а такой текст обычно занимает {usual:.1f} с: всё ли произнесено?",
    )

    MEASURED_OF_CLIPS = "The clips", "Записи"
    MEASURED_TOLD = (
        "So many percent of the clips have at most this value.",
        "Столько процентов записей имеют значение не больше этого.",
    )
    PERCENT_OF_CLIPS = "% of the clips", "% записей"
    TABLE_MEASURES = "Of all usable clips", "По всем годным записям"
    HEAD_MEASURE = "measure", "величина"
    HEAD_MEAN = "mean", "среднее"
    MEASURE_SECONDS = "length, s", "длина, с"
    MEASURE_SPEECH_SECONDS = "from first to last sound, s", "от первого звука до последнего, с"
    MEASURE_LEADING_SECONDS = "silence before, s", "тишина до, с"
    MEASURE_TRAILING_SECONDS = "silence after, s", "тишина после, с"
    MEASURE_PAUSE_SHARE = "share of pauses", "доля пауз"
    MEASURE_LEVEL_DB = "loudness, dB", "громкость, дБ"
    MEASURE_NOISE_DB = "quietest moments, dB", "самые тихие места, дБ"
    MEASURE_SNR_DB = "speech above noise, dB", "речь громче шума, дБ"
    MEASURE_PEAK = "peak", "пик"
    MEASURE_CLIPPED_SHARE = "share of samples cut off", "доля срезанных отсчётов"
    MEASURE_BANDWIDTH_HZ = "band, Hz", "полоса, Гц"
    MEASURE_SYMBOLS_PER_SECOND = "symbols a second", "символов в секунду"

    SAID_SECTION = "What is said", "Что сказано"
    TABLE_SYMBOLS = "How often each symbol is said", "Сколько раз сказан каждый символ"
    HEAD_SYMBOL = "symbol", "символ"
    HEAD_TIMES_SAID = "times", "раз"
    LETTER_PAIRS = (
        "{pairs} different pairs of letters. Texts that hold what a language has come to 400 and more.",
        "Разных пар букв: {pairs}. В текстах, где есть всё, что бывает в языке, их от 400.",
    )
    NEVER_SAID = (
        "Never said, so that the voice will not know how: {missing}",
        "Ни разу не сказано, и голос этого знать не будет: {missing}",
    )
    ENDINGS_TOLD = (
        "Sentences that end with a full stop: {stops:,}; with a question mark: {questions:,}; with an "
        "exclamation "
        "mark: {cries:,}; otherwise: {others:,}.",
        "Предложений с точкой на конце: {stops:,}; с вопросительным знаком: {questions:,}; с "
        "восклицательным: "
        "{cries:,}; прочих: {others:,}.",
    )
    DROPPED_TOLD = "Characters that are left out: {characters}", "Пропускаются знаки: {characters}"
    TABLE_SPEAKERS = "Who speaks", "Кто говорит"
    HEAD_SPEAKER_NAME = "speaker", "говорящий"
    HEAD_SPEAKER_CLIPS = "clips", "записей"
    TWICE_SECTION = "What is there twice", "Что повторяется"
    SAME_AUDIO = "the same sound: {ids}", "одинаковый звук: {ids}"
    SAME_TEXT = "the same text: {ids}", "одинаковый текст: {ids}"
    REJECTED_SECTION = "What cannot be used", "Что не годится"
    TABLE_REJECTED = "Clips that a training would leave out", "Записи, которые обучение пропустит"
    HEAD_REASON = "reason", "причина"
    AND_MORE = "and {count:,} more, in the file of figures", "и ещё {count:,}, в файле с цифрами"
