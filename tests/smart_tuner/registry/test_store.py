"""The registry in a real MLflow store: who is kept, aliases, kills, moves, a lost store, several at once."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from smart_tuner.registry.catalogue import Version
from smart_tuner.registry.entrance import candidate
from smart_tuner.registry.errors import RegistryError
from smart_tuner.registry.settings import RegistrySettings
from smart_tuner.registry.store import Added, Registry, open_registry
from smart_tuner.run_folder import RunFolder
from smart_tuner.tracking_store import database_path
from tests.smart_tuner.registry.finished_runs import CHECKPOINT, GOOD, finished


@pytest.fixture(scope="module")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of runs with a store; making one takes seconds, so tests work on copies."""
    root = tmp_path_factory.mktemp("runs")
    with open_registry(root):
        return root


@pytest.fixture
def root(empty_store: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(empty_store, tmp_path / "runs"))


def add(run: RunFolder, keep: int = 3, name: str = "") -> Added:
    with open_registry(run.root) as registry:
        return registry.add(candidate(run, RegistrySettings(keep_voices=keep, voice_name=name)))


def there(root: Path) -> list[tuple[str, int, tuple[str, ...]]]:
    """Run, number and aliases of all versions, in their order."""
    with open_registry(root) as registry:
        return [(each.facts.run, each.number, each.aliases) for each in registry.versions()]


@contextmanager
def found(root: Path, text: str) -> Iterator[tuple[Registry, Version]]:
    with open_registry(root) as registry:
        yield registry, registry.find(text)


def test_the_three_best_are_kept_and_the_alias_moves_by_itself(root: Path) -> None:
    first = add(finished(root, "a", 0.5))
    assert first.new and first.place == 1 and first.version is not None
    assert add(finished(root, "b", 0.7)).place == 1
    assert add(finished(root, "c", 0.6)).place == 2
    assert there(root) == [("b", 2, ("best",)), ("c", 3, ()), ("a", 1, ())]
    worse = add(finished(root, "d", 0.4))
    assert worse.version is None and worse.place == 4
    add(finished(root, "e", 0.8))
    assert there(root) == [("e", 4, ("best",)), ("b", 2, ()), ("c", 3, ())]
    assert not first.version.folder.exists()
    assert (root / "a" / CHECKPOINT).exists(), "the run's own folder is never touched"
    folders = sorted(path.name[0] for path in first.version.folder.parent.iterdir())
    assert folders == ["b", "c", "e"]
    with open_registry(root) as registry:
        assert all(version.damage() == () for version in registry.versions())


def test_a_run_registered_twice_is_there_once_and_mended(root: Path) -> None:
    run = finished(root, "a")
    version = add(run).version
    again = add(run)
    assert not again.new and there(root) == [("a", 1, ("best",))]
    assert version is not None and again.version == version
    (version.folder / CHECKPOINT).write_bytes(b"A")
    with (
        found(root, "best") as (registry, damaged),
        pytest.raises(RegistryError, match=r"best-0000003\.ckpt"),
    ):
        registry.check(damaged)
    with found(root, "best") as (registry, damaged), pytest.raises(RegistryError, match="damaged"):
        registry.promote(damaged, force=True)
    assert not add(run).new
    with found(root, "best") as (registry, mended):
        registry.check(mended)
        assert mended.number == 1
    # Trained on, it has other weights: the version of before leaves.
    add(finished(root, "a", 0.4, weights=b"later"))
    assert there(root) == [("a", 2, ("best",))]


def test_production_moves_by_hand_and_stays(root: Path) -> None:
    add(finished(root, "a", 0.3))
    add(finished(root, "b", 0.9, figures=GOOD | {"skip_rate": 0.9}))
    assert there(root) == [("a", 1, ("best",)), ("b", 2, ())]  # a higher quality, but it skips
    with found(root, "2") as (registry, version):
        with pytest.raises(RegistryError, match=r"gate \(skip_rate\)"):
            registry.promote(version)
        registry.promote(version, force=True)
    with found(root, "best") as (registry, version):
        registry.promote(version)
    assert there(root)[0] == ("a", 1, ("best", "production"))
    for name, quality in (("c", 0.5), ("d", 0.6)):
        add(finished(root, name, quality), keep=1)
    assert there(root) == [("d", 4, ("best",)), ("a", 1, ("production",))]
    with found(root, "production") as (registry, version), pytest.raises(RegistryError, match="--force"):
        registry.remove(version)
    with found(root, "production") as (registry, version):
        registry.remove(version, force=True)
    assert there(root) == [("d", 4, ("best",))]


def test_voices_of_other_corpora_are_others(root: Path, tmp_path: Path) -> None:
    names = [
        add(finished(root, name, data_folder=folder)).voice
        for name, folder in (
            ("a", tmp_path / "anna"),
            ("b", tmp_path / "x" / "anna"),
            ("c", tmp_path / "anna"),
        )
    ]
    assert names[0] == names[2] == "anna-en" and names[1].startswith("anna-en-")
    named = [add(finished(root, each), name="anna").voice for each in ("d", "e")]
    assert named == ["anna", "anna"]
    with found(root, "anna/2") as (_, version):
        assert version.facts.run == "e"
    with found(root, "anna-en@best") as (_, version):
        assert version.facts.run == "a"
    for wrong, told in (
        ("best", "of which voice"),
        ("anna/9", "anna/1, anna@best"),
        ("bert@best", "no such"),
    ):
        with pytest.raises(RegistryError, match=told), found(root, wrong):
            pass


def test_a_moved_and_a_lost_store_have_the_same_voices(root: Path) -> None:
    for name, quality in (("a", 0.5), ("b", 0.7)):
        add(finished(root, name, quality))
    with found(root, "1") as (registry, version):
        registry.promote(version)
    expected = [("b", 2, ("best",)), ("a", 1, ("production",))]
    moved = root.rename(root.with_name("moved"))
    assert there(moved) == expected
    with open_registry(moved) as registry:
        version = registry.find("production")
        source = registry._client.get_model_version(version.voice, "1").source
        assert source == version.folder.resolve().as_uri() and "moved" in source
    for file in database_path(moved / "tracking").parent.glob("mlflow.db*"):
        file.unlink()
    assert there(moved) == expected


def test_what_was_not_made_here_is_left_alone(root: Path) -> None:
    voice = add(finished(root, "a")).voice
    with open_registry(root) as registry:
        registry._client.create_model_version(voice, "file:///elsewhere", await_creation_for=0)
    add(finished(root, "b", 0.9), keep=1)
    assert there(root) == [("b", 3, ("best",))]
    with open_registry(root) as registry:
        assert {each.version for each in registry._client.search_model_versions(f"name='{voice}'")} == {2, 3}


def test_a_damaged_folder_that_no_version_names_gets_none(root: Path) -> None:
    version = add(finished(root, "a")).version
    assert version is not None
    stray = version.folder.with_name("stray")
    shutil.copytree(version.folder, stray)
    (stray / CHECKPOINT).write_bytes(b"?")
    with open_registry(root) as registry:
        assert registry.unclaimed == (stray,)
        assert len(registry.versions()) == 1


def test_a_version_without_its_folder_is_named_and_gives_up_its_place(root: Path) -> None:
    add(finished(root, "a", 0.5))
    version = add(finished(root, "b", 0.7)).version
    assert version is not None
    shutil.rmtree(version.folder)
    assert there(root) == [("a", 1, ("best",)), ("b", 2, ())]
    with found(root, "2") as (registry, lost):
        (missing,) = lost.damage()
        assert missing.parameters["file"] == version.folder
        registry.remove(lost)
    assert there(root) == [("a", 1, ("best",))]


KILLED = """
import os, signal, sys
from pathlib import Path
import smart_tuner.registry.store as store
from mlflow import MlflowClient
from smart_tuner.registry.registration import add_run
from smart_tuner.run_folder import RunFolder

def killed(*arguments, **named):
    os.kill(os.getpid(), signal.SIGKILL)

if sys.argv[2] == "copying":
    store.fill = lambda folder, wanted: (folder.mkdir(), (folder / "run.yaml").write_text("half"), killed())
else:
    MlflowClient.create_model_version = killed
run = RunFolder(Path(sys.argv[1]))
add_run(run, run.config().registry)
"""


@pytest.mark.parametrize(("moment", "then"), [("copying", 1), ("numbering", 2)])
def test_a_kill_in_the_middle_leaves_what_the_next_command_completes(
    root: Path, moment: str, then: int
) -> None:
    add(finished(root, "a", 0.5))
    run = finished(root, "b", 0.9)
    done = subprocess.run([sys.executable, "-c", KILLED, str(run.path), moment], check=False)
    assert done.returncode == -signal.SIGKILL
    with open_registry(root) as registry:
        versions = registry.versions()
        assert [each.damage() for each in versions] == [()] * then
        home = versions[0].folder.parent
        assert sorted(each.name for each in home.iterdir()) == sorted(each.folder.name for each in versions)
        assert versions[0].aliases == ("best",)
    add(run)
    assert there(root) == [("b", 2, ("best",)), ("a", 1, ())]


def test_two_processes_at_once(root: Path) -> None:
    command = [sys.executable, "-m", "smart_tuner.cli", "registry", "add"]
    children = [
        subprocess.Popen([*command, str(finished(root, name, quality).path), "--runs-folder", str(root)])
        for name, quality in (("a", 0.5), ("b", 0.7))
    ]
    assert [child.wait() for child in children] == [0, 0]
    assert [(run, aliases) for run, _, aliases in there(root)] == [("b", ("best",)), ("a", ())]


def test_a_store_that_cannot_be_used_is_told(root: Path) -> None:
    database_path(root / "tracking").write_bytes(b"no database at all" * 100)
    with pytest.raises(RegistryError, match="the registry cannot be used"):
        add(finished(root, "a"))
