"""What is told about the MLflow server of a study."""

from __future__ import annotations

from enum import unique

from smart_tuner.messages.phrase import Phrase


@unique
class StudyTrackingPhrase(Phrase):
    """Servers that are none, that do not answer, that do not keep what they are sent."""

    NOT_A_SERVER = (
        "`--tracking-uri` is no address of an MLflow server; write it as `http://HOST:5000`",
        "`--tracking-uri`: это не адрес сервера MLflow; его пишут так: `http://HOST:5000`",
    )
    NO_TRACKING_SERVER = (
        "{uri}: no MLflow server answers there ({detail}); start it, or leave `--tracking-uri` away",
        "{uri}: там не отвечает сервер MLflow ({detail}); запустите его или не задавайте `--tracking-uri`",
    )
    NOT_UPLOADED = (
        "{uri}: the weights could not be brought there in {attempts} attempts: {detail}",
        "{uri}: веса не удалось туда передать, попыток было {attempts}: {detail}",
    )
