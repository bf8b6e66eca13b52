"""What the processes of a training are told, and which of their ends counts."""

from __future__ import annotations

import pytest

from smart_tuner.ranks import LOST_STATUS, environments, first_failure, is_first_process


def test_every_process_gets_its_own_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "7")  # somebody else's
    monkeypatch.setenv("KEPT", "yes")
    first, second = environments(2)
    assert (first["RANK"], second["RANK"]) == ("0", "1") == (first["LOCAL_RANK"], second["LOCAL_RANK"])
    assert is_first_process(first) and not is_first_process(second)
    for place in (first, second):
        assert place["WORLD_SIZE"] == place["LOCAL_WORLD_SIZE"] == "2"
        assert place["MASTER_ADDR"] == "127.0.0.1" and place["KEPT"] == "yes"
        assert place["MASTER_PORT"] == first["MASTER_PORT"]
        assert int(place["MASTER_PORT"]) > 1024


def test_a_single_process_is_told_of_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "7")
    monkeypatch.setenv("RANK", "3")
    (alone,) = environments(1)
    assert "WORLD_SIZE" not in alone and is_first_process(alone)


@pytest.mark.parametrize(
    ("statuses", "found"),
    [
        ({}, None),
        ({1: None, 2: None}, None),
        ({1: 0, 2: None}, None),
        ({1: LOST_STATUS, 2: None}, None),
        ({1: LOST_STATUS, 2: 21}, (2, 21)),
        ({1: -9, 2: LOST_STATUS}, (1, -9)),
        ({1: 1}, (1, 1)),
    ],
)
def test_the_end_that_is_no_consequence_of_anothers_counts(
    statuses: dict[int, int | None], found: tuple[int, int] | None
) -> None:
    assert first_failure(statuses) == found
