"""How every recording of the training set fares, step by step: those that stay bad are found.

A step adds two figures for each of its utterances to sums on the device. At a validation the sums of all
processes are fetched together; each clip's mean since the last validation is held against the usual one of
that time, and the difference is followed. So a clip that came early in an improving training is not taken
for a bad one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from tacotron2.data.dataset import Batch, TextMelLoader
from tacotron2.events import ClipsEvent
from tacotron2.losses import decoder_steps
from tacotron2.models.tacotron2 import TacotronOutput
from tacotron2.training.clip_figures import alignment_scores, reference_losses
from tacotron2.training.clip_rule import FEWEST_SEEN, Usual, are_bad, reasons, severity
from tacotron2.training.ranks import Ranks

PERSISTENT = 3
"""Bad at so many validations in a row, a clip may be set aside."""
MOST_LISTED = 20
NEWEST_SHARE = 0.5
"""Weight of the newest difference from the usual, once there is an older one."""
QUARTERS = 4
_COUNT, _ALIGNMENT, _LOSS = range(3)


class ClipLedger:
    """The figures of all recordings of a training. With several processes each has one; `settle` is called
    by all and comes to the same in each.

    Args:
        train_set: whose recordings these are.
        r: mel frames per decoder step.
        device: where the training computes.
    """

    def __init__(self, train_set: TextMelLoader, r: int, device: torch.device, ranks: Ranks) -> None:
        self._set, self._ranks = train_set, ranks
        self._index = {utterance.id: index for index, utterance in enumerate(train_set.utterances)}
        self._device = device
        self._groups = _groups(train_set)
        self.begin_anew(r)

    def begin_anew(self, r: int) -> None:
        """Forgets everything: figures of another r cannot be compared."""
        number = len(self._set)
        self.r = r
        self._sums = torch.zeros(3, number, device=self._device)
        self._forget()

    def _forget(self) -> None:
        number = len(self._set)
        self._followed = torch.zeros(2, number, dtype=torch.float64)
        """Each clip's alignment and loss less the usual ones of their time."""
        self._known = torch.zeros(number, dtype=torch.bool)
        self._seen = torch.zeros(number, dtype=torch.long)
        """How often it was trained on since attention has formed."""
        self._times_bad = torch.zeros(number, dtype=torch.long)

    def note(self, output: TacotronOutput, batch: Batch) -> None:
        """What a step has made of its utterances. Nothing is fetched; what is not finite is left out.

        Args:
            batch: on the device of the training.
        """
        if not batch.ids:
            return
        places = torch.tensor([self._index[name] for name in batch.ids])
        places = places.to(self._device, non_blocking=True)
        steps = decoder_steps(batch.mel_lengths, self.r)
        alignment = alignment_scores(output.alignments, steps, batch.text_lengths)
        loss = reference_losses(output, batch, self.r)
        figures = torch.stack((torch.ones_like(loss), alignment, loss))
        sound = torch.isfinite(alignment + loss)
        self._sums.index_add_(1, places, torch.where(sound, figures, 0.0))

    def settle(self, step: int) -> ClipsEvent | None:
        """Judges what was noted since the last time; None where nothing was."""
        sums = self._ranks.summed(self._sums).double().cpu()
        self._sums.zero_()
        there = sums[_COUNT] > 0
        if not bool(there.any()):
            return None
        means = sums[_ALIGNMENT:] / sums[_COUNT].clamp(min=1.0)
        now = Usual.of(*means[:, there])
        if not now.formed:
            self._forget()
        self._follow(means - torch.tensor([[now.alignment], [now.loss]], dtype=torch.float64), there)
        if now.formed:
            self._seen += sums[_COUNT].long()
        alignment, loss = self._followed + torch.tensor([[now.alignment], [now.loss]])
        usual = Usual.of(alignment[self._known], loss[self._known])
        self._judge(alignment, loss, usual, there)
        return self._event(step, alignment, loss, usual)

    def _follow(self, differences: Tensor, there: Tensor) -> None:
        share = torch.where(self._known, NEWEST_SHARE, 1.0) * there
        self._followed += share * (differences - self._followed)
        self._known |= there

    def _judge(self, alignment: Tensor, loss: Tensor, usual: Usual, there: Tensor) -> None:
        bad = are_bad(alignment, loss, usual) & self._known & (self._seen >= FEWEST_SEEN)
        self._times_bad = torch.where(bad, self._times_bad + there.long(), 0)

    def _event(self, step: int, alignment: Tensor, loss: Tensor, usual: Usual) -> ClipsEvent:
        bad = self._times_bad.nonzero()[:, 0]
        worst = severity(alignment[bad], loss[bad], usual).argsort(descending=True, stable=True)
        return ClipsEvent(
            step=step,
            num_clips=int(self._known.sum()),
            usual={
                "alignment": round(usual.alignment, 4),
                "alignment_deviation": round(usual.alignment_deviation, 4),
                "loss": round(usual.loss, 4),
                "loss_deviation": round(usual.loss_deviation, 4),
            },
            bad=[self._listed(int(index), alignment, loss, usual) for index in bad[worst][:MOST_LISTED]],
            groups=self._group_medians(alignment, loss),
        )

    def _listed(self, index: int, alignment: Tensor, loss: Tensor, usual: Usual) -> dict[str, Any]:
        utterance = self._set.utterances[index]
        why = reasons(float(alignment[index]), float(loss[index]), usual)
        return {
            "id": utterance.id,
            "speaker": utterance.speaker,
            "frames": self._set.lengths[index],
            "symbols": self._set.text_lengths[index],
            "alignment": round(float(alignment[index]), 4),
            "loss": round(float(loss[index]), 4),
            "times_bad": int(self._times_bad[index]),
            "why": [each.value for each in why],
        }

    def _group_medians(self, alignment: Tensor, loss: Tensor) -> dict[str, dict[str, float]]:
        medians = {}
        for name, members in self._groups.items():
            known = members & self._known
            if bool(known.any()):
                medians[name] = {
                    "clips": int(known.sum()),
                    "alignment": round(float(alignment[known].median()), 4),
                    "loss": round(float(loss[known].median()), 4),
                }
        return medians

    def persistent(self) -> list[str]:
        """The clips that were bad at the last PERSISTENT validations, by the order of the set."""
        places = (self._times_bad >= PERSISTENT).nonzero()[:, 0].tolist()
        return [self._set.utterances[place].id for place in places]

    def state_dicts(self) -> list[dict[str, Any]]:
        """Tensors and plain values for `load_state_dict`, those of each process; called by all."""
        followed = {
            "r": self.r,
            "followed": self._followed,
            "known": self._known,
            "seen": self._seen,
            "times_bad": self._times_bad,
        }
        return [followed | {"sums": sums} for sums in self._ranks.gathered(self._sums.cpu())]

    def load_state_dict(self, states: Sequence[Mapping[str, Any]]) -> None:
        """Goes on exactly where `state_dicts` was called; none: a state from before there was a ledger."""
        if not states:
            return
        state = states[self._ranks.rank]
        self.begin_anew(state["r"])
        self._sums.copy_(state["sums"])
        self._followed, self._known = state["followed"].clone(), state["known"].clone()
        self._seen, self._times_bad = state["seen"].clone(), state["times_bad"].clone()


def _groups(train_set: TextMelLoader) -> dict[str, Tensor]:
    """The recordings of each speaker that the list names, and of each quarter by length, as truth values."""
    speakers = [utterance.speaker for utterance in train_set.utterances]
    groups = {
        f"speaker:{name}": torch.tensor([each == name for each in speakers])
        for name in sorted(set(speakers))
        if name
    }
    ranks = torch.tensor(train_set.lengths).argsort(stable=True).argsort(stable=True)
    for quarter in range(QUARTERS):
        groups[f"length:{quarter + 1}"] = ranks * QUARTERS // len(speakers) == quarter
    return groups
