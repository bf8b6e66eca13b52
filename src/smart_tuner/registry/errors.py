"""What is wrong with the registry, or with what should enter it, in words for a person."""

from __future__ import annotations

from smart_tuner.messages import MessageError


class RegistryError(MessageError):
    """The registry cannot be used or will not do what was asked; the message says why and what would help."""
