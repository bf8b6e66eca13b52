"""Long recordings whose every word is known: the bundled synthesiser, pauses of random length, noise.

Sentences are spoken one by one, so that the times of words are those that the synthesiser reports, and a word
ends with its last sample that is not silent. What stands in a recording, and where, follows from its seed.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

ESPEAK = Path(__file__).resolve().parents[1] / "src/tacotron2/espeak.py"
RATE = 22_050
QUIET = 10 ** (-55 / 20)
"""Of the sentence's own peak: what is below, at an end of a word, belongs to the pause."""
VOICES = {"en": "en-us", "de": "de", "ru": "ru"}
WORDS_PER_MINUTE = 160
PAUSES_S = (0.3, 1.5)
CUE_ERROR_S = 0.2
"""A subtitle begins and ends this much early or late, at most."""

SENTENCES = {
    "en": """The old captain waited for the morning train near the harbour.
        Nobody in the village had seen such heavy snow before.
        She opened the letter, read it twice, and put it back on the table.
        Our neighbours painted the garden fence in a bright shade of green.
        If the weather stays dry, we will walk along the river tomorrow.
        The teacher asked a simple question, but the answer was not easy.
        Fresh bread and warm soup were waiting in the kitchen.
        He counted the stars until the clouds covered the whole sky.
        A small boat drifted slowly past the silent lighthouse.
        They sold the house, moved to the coast, and bought a bakery.
        The music stopped, and everybody looked at the open door.
        Many years later, the forest had grown over the ruined tower.
        Please bring the blue umbrella, because it is going to rain.
        The doctor smiled and said that the worst was over.
        Seven horses ran across the wide and dusty field.
        In winter the lake freezes, and children skate on it until dark.""",
    "de": """Der alte Kapitän wartete am Hafen auf den ersten Zug.
        Niemand im Dorf hatte jemals so viel Schnee gesehen.
        Sie öffnete den Brief, las ihn zweimal und legte ihn wieder auf den Tisch.
        Unsere Nachbarn haben den Gartenzaun hellgrün gestrichen.
        Wenn das Wetter trocken bleibt, gehen wir morgen am Fluss entlang.
        Der Lehrer stellte eine einfache Frage, aber die Antwort war nicht leicht.
        Frisches Brot und warme Suppe standen in der Küche bereit.
        Er zählte die Sterne, bis Wolken den ganzen Himmel bedeckten.
        Ein kleines Boot trieb langsam am stillen Leuchtturm vorbei.
        Sie verkauften das Haus, zogen an die Küste und kauften eine Bäckerei.
        Die Musik verstummte, und alle blickten zur offenen Tür.
        Viele Jahre später war der Wald über den zerfallenen Turm gewachsen.
        Bring bitte den blauen Regenschirm mit, denn es wird bald regnen.
        Die Ärztin lächelte und sagte, das Schlimmste sei vorüber.
        Sieben Pferde liefen über das weite, staubige Feld.
        Im Winter friert der See zu, und die Kinder laufen bis zum Abend Schlittschuh.""",
    "ru": """Старый капитан ждал у причала утренний поезд.
        Никто в деревне никогда не видел такого глубокого снега.
        Она открыла письмо, прочитала его дважды и положила на стол.
        Наши соседи покрасили забор в светлый зелёный цвет.
        Если погода останется сухой, мы завтра пойдём вдоль реки.
        Учитель задал простой вопрос, но ответить было нелегко.
        На кухне уже стояли свежий хлеб и тёплый суп.
        Он считал звёзды, пока облака не закрыли всё небо.
        Маленькая лодка медленно плыла мимо тихого маяка.
        Они продали дом, уехали на побережье и купили пекарню.
        Музыка стихла, и все посмотрели на открытую дверь.
        Через много лет лес вырос над разрушенной башней.
        Возьми, пожалуйста, синий зонт, потому что скоро пойдёт дождь.
        Врач улыбнулась и сказала, что самое плохое позади.
        Семь лошадей бежали по широкому пыльному полю.
        Зимой озеро замерзает, и дети катаются на нём до темноты.""",
}


@dataclass(frozen=True)
class TrueWord:
    """A word of a recording and where it really is."""

    text: str
    start: float
    end: float
    """Seconds in the recording."""
    sentence: int


@dataclass(frozen=True)
class Spoken:
    """One sentence by the synthesiser."""

    text: str
    samples: NDArray[np.float64]
    words: list[TrueWord]


def sentences_of(language: str) -> list[str]:
    return [" ".join(line.split()) for line in SENTENCES[language].splitlines()]


def speak(language: str, texts: Sequence[str]) -> list[Spoken]:
    """The texts, each with its words; the same for the same texts in the same order."""
    with tempfile.TemporaryDirectory(prefix="spoken-") as temporary:
        paths = [f"{temporary}/{number}.wav" for number in range(len(texts))]
        clips = list(zip(texts, paths, strict=True))
        job = {"voice": VOICES[language], "words_per_minute": WORDS_PER_MINUTE, "clips": clips}
        command = [sys.executable, "-P", str(ESPEAK)]
        told = subprocess.run(command, input=json.dumps(job), capture_output=True, text=True, check=True)
        answers = [json.loads(line) for line in told.stdout.splitlines()]
        return [
            _spoken(text, soundfile.read(path)[0], answer["words"])
            for (text, path), answer in zip(clips, answers, strict=True)
        ]


def _spoken(text: str, samples: NDArray[np.float64], events: list[list[int]]) -> Spoken:
    """A word of several events, as a number is, begins with its first; one of none belongs to the last."""
    tokens: list[tuple[str, int]] = []
    place = 0
    for token in text.split():
        start = text.index(token, place)
        place = start + len(token)
        begins = [sample for at, sample in events if start <= at < place]
        if begins or not tokens:
            tokens.append((token, min(begins, default=0)))
        else:
            tokens[-1] = (f"{tokens[-1][0]} {token}", tokens[-1][1])
    loud = np.flatnonzero(np.abs(samples) > QUIET * np.abs(samples).max())
    words = []
    for number, (token, first) in enumerate(tokens):
        last = tokens[number + 1][1] if number + 1 < len(tokens) else len(samples)
        inside = loud[(loud >= first) & (loud < last)]
        words.append(TrueWord(token, inside[0] / RATE, (inside[-1] + 1) / RATE, 0))
    return Spoken(text, samples, words)


def recording(
    spoken: Sequence[Spoken], seed: int, snr_db: float | None
) -> tuple[NDArray[np.float32], list[TrueWord]]:
    """The sentences with pauses, each a little louder or softer, in noise; and all their words.

    Args:
        snr_db: mean power of the speech against that of the noise; None: no noise at all.
    """
    generator = np.random.default_rng(seed)
    parts: list[NDArray[np.float64]] = []
    words: list[TrueWord] = []
    done, power, spoken_samples = 0, 0.0, 0
    for number, sentence in enumerate(spoken):
        pause = np.zeros(round(generator.uniform(*PAUSES_S) * RATE))
        first, last = round(sentence.words[0].start * RATE), round(sentence.words[-1].end * RATE)
        said = 10 ** (generator.uniform(-3, 3) / 20) * 0.5 * sentence.samples[first:last]
        offset = (done + len(pause) - first) / RATE
        for word in sentence.words:
            words.append(TrueWord(word.text, word.start + offset, word.end + offset, number))
        power, spoken_samples = power + float(np.square(said).sum()), spoken_samples + len(said)
        parts += [pause, said]
        done += len(pause) + len(said)
    samples = np.concatenate([*parts, np.zeros(round(generator.uniform(*PAUSES_S) * RATE))])
    if snr_db is not None:
        samples = samples + _noise(len(samples), generator) * np.sqrt(
            power / spoken_samples / 10 ** (snr_db / 10)
        )
    return np.clip(samples, -1, 1).astype(np.float32), words


def _noise(length: int, generator: np.random.Generator) -> NDArray[np.float64]:
    """Of unit power, falling by 3 dB an octave, as rooms do."""
    hertz = np.fft.rfftfreq(length, 1 / RATE)
    spectrum = np.fft.rfft(generator.standard_normal(length)) / np.sqrt(np.maximum(hertz, 50.0))
    noise = np.fft.irfft(spectrum, n=length)
    return noise / np.sqrt(np.square(noise).mean())


def subtitles(words: Sequence[TrueWord], seed: int) -> str:
    """SubRip, a cue a sentence, with times as inexact as those of people."""
    generator = np.random.default_rng(seed)
    cues = []
    for number in dict.fromkeys(word.sentence for word in words):
        said = [word for word in words if word.sentence == number]
        start, end = said[0].start, said[-1].end
        start = max(0.0, start + generator.uniform(-CUE_ERROR_S, CUE_ERROR_S))
        end = end + generator.uniform(-CUE_ERROR_S, CUE_ERROR_S)
        text = " ".join(word.text for word in said)
        cues.append(f"{number + 1}\n{_stamp(start)} --> {_stamp(end)}\n{text}\n")
    return "\n".join(cues)


def _stamp(seconds: float) -> str:
    milliseconds = round(1000 * seconds)
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{rest // 1000:02d},{rest % 1000:03d}"


def transcript(words: Sequence[TrueWord]) -> str:
    """The text alone, a line a sentence."""
    numbers = dict.fromkeys(word.sentence for word in words)
    lines = (" ".join(word.text for word in words if word.sentence == number) for number in numbers)
    return "\n".join(lines) + "\n"
