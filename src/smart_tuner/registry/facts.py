"""What is told of a version: tags in MLflow, and `version.json` in its folder."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field

_PASSED = "passed"
_FAILED = "failed: "
_FIGURE = "figure."


@dataclass(frozen=True)
class Facts:
    """What is told of a version, in MLflow as tags and in its folder as `version.json`."""

    run: str
    mlflow_run: str
    """Its id where the run was tracked; else empty."""
    registered: str
    """UTC, as 2026-01-31T12:00:00Z."""
    corpus: str
    """What the figures were measured on: the folder of the recordings, or the demo's settings as a hash."""
    commit: str
    step: int
    r: int
    quality: float
    failed: tuple[str, ...]
    """Figures that failed the gate."""
    weights_sha256: str
    keep: int
    """`registry.keep_voices` of the run."""
    figures: Mapping[str, float] = field(default_factory=dict)
    """Those the gate judges, as far as they were measured."""

    def to_tags(self) -> dict[str, str]:
        """Plain texts; `from_tags` reads them back."""
        tags = {
            each.name: str(getattr(self, each.name))
            for each in dataclasses.fields(self)
            if each.name not in ("failed", "figures")
        }
        tags["gate"] = _FAILED + ", ".join(self.failed) if self.failed else _PASSED
        return tags | {_FIGURE + name: str(value) for name, value in self.figures.items()}

    @classmethod
    def from_tags(cls, tags: Mapping[str, str]) -> Facts:
        """Raises KeyError, ValueError: these are not the tags of a version of ours."""
        gate = tags["gate"]
        figures = {
            name.removeprefix(_FIGURE): float(value)
            for name, value in tags.items()
            if name.startswith(_FIGURE)
        }
        texts = ("run", "mlflow_run", "registered", "corpus", "commit", "weights_sha256")
        return cls(
            **{name: tags[name] for name in texts},
            step=int(tags["step"]),
            r=int(tags["r"]),
            quality=float(tags["quality"]),
            keep=int(tags["keep"]),
            failed=() if gate == _PASSED else tuple(gate.removeprefix(_FAILED).split(", ")),
            figures=figures,
        )
