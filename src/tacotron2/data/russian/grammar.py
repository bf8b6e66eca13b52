"""The Russian sentence patterns: agreement by writing a pattern once and making it for every gender.

In a pattern, `@` becomes each of the given genders in turn (m, f, n, or ь for feminine nouns in -ь), and `^`
the gender that adjectives and verbs have then (f for ь). A symbol's name is made the same way, so `WHO_m`
holds the masculine subjects, and `{WHO_@} {act.^}` agrees.
"""

from __future__ import annotations

from collections.abc import Mapping

# Symbol: the genders it is made for, and its patterns.
_AGREEING: dict[str, tuple[str, tuple[str, ...]]] = {
    # Somebody as the subject.
    "WHO_@": (
        "mf",
        (
            "{name_@}",
            "{name_@}",
            "{name_@}",
            "{person_@}",
            "{mood.^n} {person_@}",
            "{my.^n} {kin_@}",
            "{my.^n} {mood.^n} {kin_@}",
            "{my.^n} {person_@}",
            "{kin_@} {name_m.sg}",
            "{kin_@} {name_f.sg}",
        ),
    ),
    # Somebody as the object.
    "WHOM_@": (
        "mf",
        (
            "{name_@.sa}",
            "{person_@.sa}",
            "{mood.^A} {person_@.sa}",
            "{my.^A} {kin_@.sa}",
            "{kin_@.sa} {name_f.sg}",
        ),
    ),
    "BEAST_@": (
        "mfь",
        ("{beast_@}", "{color.^n} {beast_@}", "{my.^n} {beast_@}", "{mood.^n} {beast_@}"),
    ),
    "PREY_@": ("mfь", ("{beast_@.sa}", "{color.^A} {beast_@.sa}", "{my.^A} {beast_@.sa}")),
    # A thing as the subject and as the object.
    "IT_@": (
        "mfьn",
        ("{thing_@}", "{look.^n} {thing_@}", "{color.^n} {thing_@}", "{my.^n} {look.^n} {thing_@}"),
    ),
    "THAT_@": (
        "mfьn",
        (
            "{thing_@.sa}",
            "{look.^a} {thing_@.sa}",
            "{color.^a} {thing_@.sa}",
            "{my.^a} {thing_@.sa}",
            "{few.^} {thing_@.sg}",
            "{look.pa} {thing_@.pn}",
        ),
    ),
    "MEAL_@": ("mfn", ("{food_@.sa}", "{flavor.^a} {food_@.sa}")),
    "TOPIC_@": ("mfn", ("{topic_@}", "{view.^n} {topic_@}", "{my.^n} {topic_@}")),
    "IN": ("mfn", ("в {in_@.sl}", "в {in_@.sl}", "на {on_@.sl}")),
    "INTO": ("mfn", ("в {in_@.sa}", "на {on_@.sa}", "к {in_@.sd}")),
    "NEAR": (
        "mfьn",
        ("под {thing_@.si}", "у {thing_@.sg}", "за {thing_@.si}", "рядом с {look.^i} {thing_@.si}"),
    ),
    "SAY": (
        "mf",
        (
            "{WHO_@} {act.s3} {SPOT}",
            "{WHO_@} {act.^} {SPOT}",
            "{WHO_@} {now} {act.s3}",
            "{WHO_@} {how} {act.^}",
            "{then} {WHO_@} {done.^} {THAT}",
            "{WHO_@} {done.^} {THAT}",
            "{WHO_@} {how} {done.^} {THAT}",
            "{WHO_@} {use.s3} {THAT}",
            "{WHO_@} не {use.s3} {THAT}",
            "{soon} {WHO_@} {done.s3} {THAT}",
            "{WHO_@} {met.^} {WHOM}",
            "{WHO_@} {met.^} {WHOM} {SPOT}",
            "{WHO_@} {meet.s3} {WHOM}",
            "{WHO_@} {ate.^} {MEAL}",
            "{WHO_@} {cook.s3} {MEAL}",
            "{WHO_@} {go.^} {WAY}",
            "{WHO_@} {then} {go.^} {WAY}",
            "{WHO_@} {met.^} {PREY}",
            "у {name_@.sg} есть {IT}",
            "{WHO_@} {act.s3} с {name_@.si}",
            "{mood.^n} {person_@} не {act.s3}",
            "я люблю {WHOM_@}",
            "это {view.^n} {topic_@}",
            "{WHO_@} помнит {TOPIC_f}",
            "{WHO_@} дарит {name_@.sd} {THAT}",
            "{WHO_@} мечтает о {topic_@.sp}",
            "{WHO_@} {act.^} с {mood.^i} {person_@.si}",
        ),
    ),
    "TALE": (
        "mfь",
        (
            "{BEAST_@} {stir.s3} {SPOT}",
            "{BEAST_@} {how} {stir.^}",
            "{BEAST_@} {then} {stir.^}",
            "{few.^} {beast_@.sg} {stir.p3} {SPOT}",
            "{beast_@.pn} {how} {stir.p3}",
            "{color.^n} {beast_@} {stir.^} {SPOT}",
        ),
    ),
    "FACT": (
        "mfn",
        (
            "{IT_@} лежит {SPOT}",
            "{IT_@} стоит {SPOT}",
            "{thing_@} совсем {look.^n}",
            "{food_@} слишком {flavor.^n}",
            "вот {flavor.^n} {food_@}",
            "{TOPIC_@} очень {view.^n}",
            "{city_m} и {city_f} далеко",
            "{ordinal.^n} {thing_@} {look.^n}",
        ),
    ),
    "BLOOM": (
        "mf",
        (
            "{plant_@} растёт {SPOT}",
            "{color.^n} {plant_@} {look.^n}",
            "{SPOT} {few.^} {plant_@.sg}",
            "{name_@} сажает {plant_@.sa}",
            "в {city_@.sl} {weather}",
            "{then} в {city_@.sl} было {weather}",
            "{WHO_@} живёт в {city_@.sl}",
            "{WHO_@} приедет в {city_@.sa}",
        ),
    ),
    "ASK": (
        "mf",
        (
            "где {my.^n} {thing_@}",
            "где {WHO_@}",
            "куда {go.^} {WHO_@}",
            "почему {WHO_@} {act.s3}",
            "зачем {WHO_@} {done.^} {THAT}",
            "когда {WHO_@} {done.s3} {THAT}",
            "кто {met.m} {WHOM_@}",
            "кто {use.s3} {THAT}",
            "чей это {thing_m}",
            "чья это {thing_f}",
            "{WHO_@} {act.s3} {SPOT}",
            "{WHO_@} {met.^} {WHOM}",
            "разве {BEAST_@} {stir.s3}",
            "сколько стоит {IT_@}",
            "какого цвета {thing_@}",
            "как {act.s3} {WHO_@}",
            "ты {use.s2} {THAT}",
            "вы {meet.p2} {WHOM_@}",
            "мы {cook.p1} {MEAL_@}",
            "что {done.^} {WHO_@}",
            "вы любите {MEAL_@}",
            "ты {act.s2} {SPOT}",
        ),
    ),
    "SHOUT": (
        "mf",
        (
            "какой {view.mn} {topic_m}",
            "какая {view.fn} {topic_f}",
            "смотри, {BEAST_@}",
            "смотри, {color.^n} {plant_@}",
            "{order} {THAT}",
            "{order}те {THAT}",
            "скорее {order} {THAT}",
            "не {go_on}те {SPOT}",
            "{name_@}, {go_on} {how}",
            "{name_@}, {order} {THAT}",
            "как {how} {act.s3} {name_@}",
            "здравствуй, {name_@}",
            "с праздником, {name_@}",
            "до свидания, {name_@}",
            "ура, {WHO_@} {then} {go.^} {WAY}",
            "эх, {name_@}",
            "ого, {IT_@}",
            "ах, {how} {act.^} {WHO_@}",
        ),
    ),
    "LINE": (
        "mf",
        (
            "{SAY}.",
            "{SAY}.",
            "{SAY}.",
            "{SAY}.",
            "{TALE}.",
            "{FACT}.",
            "{PLAIN}.",
            "{BLOOM}.",
            "{ASK}?",
            "{ASK}?",
            "{SHOUT}!",
            '"{SAY}", - {say.^} {name_@}.',
            '"{ASK}?" - {say.^} {kin_@}.',
            '"{SHOUT}!" - {say.^} {person_@}.',
            "{SAY}, и {SAY}.",
            "{SAY}, а {SAY}.",
            "{SAY}, но {TALE}.",
            "когда {WHO_@} {act.^}, {TALE}.",
            "если {WHO_@} {act.s3}, {SAY}.",
            "{name_@}, {ASK}?",
            "да, {SAY}.",
            "нет, {SAY}.",
            "в {day} {SAY}.",
            "в {month} {SAY}.",
            "говорят, что {SAY}.",
            "{WHO_@} знает, что {SAY}.",
            "{WHO_@} {done.^} {THAT} и {THAT}.",
            "{view.^n} {topic_@} о {topic_@.sp}.",
            "{food_m}, {food_f} и {food_n}.",
            "{thing_m}, {thing_f} и {thing_n}.",
        ),
    ),
}

# Patterns without agreement; the symbols that gather those of all genders.
_PLAIN: dict[str, tuple[str, ...]] = {
    "IT": ("{IT_m}", "{IT_f}", "{IT_n}", "{IT_m}", "{IT_f}", "{IT_ь}"),
    "THAT": (
        "{THAT_m}",
        "{THAT_f}",
        "{THAT_m}",
        "{THAT_f}",
        "{THAT_n}",
        "{THAT_ь}",
        "{many} {thing_m.pg}",
    ),
    "WHOM": ("{WHOM_m}", "{WHOM_f}"),
    "PREY": ("{PREY_m}", "{PREY_f}", "{PREY_m}", "{PREY_f}", "{PREY_ь}"),
    "MEAL": ("{MEAL_m}", "{MEAL_f}", "{MEAL_n}"),
    "SPOT": ("{IN}", "{IN}", "{NEAR}"),
    "WAY": ("{INTO}", "{INTO}", "{INTO}", "домой", "за {food_m.si}"),
    "PLAIN": (
        "мы {act.p1} {SPOT}",
        "мы {use.p1} {THAT}",
        "они {act.p3} {how}",
        "они {done.p} {THAT}",
        "вы {how} {act.p2}",
        "ты {how} {use.s2} {THAT}",
        "я {done.m} {THAT}",
        "я {met.f} {WHOM}",
        "{many} {person_m.pg} {act.p} {SPOT}",
        "{many} {beast_m.pg} {stir.p} {SPOT}",
        "{person_m.pn} {act.p3} {SPOT}",
        "{mood.pn} {person_f.pn} {done.p} {THAT}",
        "{name_m} и {name_f} {done.p} {THAT}",
        "{name_f} и {name_m} {act.p3} {SPOT}",
        "доктор {surname} {met.m} {WHOM}",
        "капитан {surname} {go.m} {WAY}",
        "{SPOT} {now} {weather}",
        "уже {hour}, пора {use} {THAT}",
        "можно {done} {THAT}",
        "нельзя {act} {SPOT}",
        "я хочу {done} {THAT}",
        "нам надо {met} {WHOM}",
    ),
}


def make_rules() -> Mapping[str, tuple[str, ...]]:
    """Every symbol with its patterns, made for all genders."""
    rules = dict(_PLAIN)
    for name, (genders, patterns) in _AGREEING.items():
        for gender in genders:
            made = tuple(_agree(pattern, gender) for pattern in patterns)
            symbol = name.replace("@", gender)
            rules[symbol] = rules.get(symbol, ()) + made
    return rules


def _agree(pattern: str, gender: str) -> str:
    return pattern.replace("@", gender).replace("^", "f" if gender == "ь" else gender)
