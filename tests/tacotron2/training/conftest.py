"""The two sets of a training."""

from __future__ import annotations

import pytest

from tacotron2.data.dataset import TextMelLoader


@pytest.fixture(scope="session")
def sets(train_set: TextMelLoader, validation_set: TextMelLoader) -> tuple[TextMelLoader, TextMelLoader]:
    return train_set, validation_set
