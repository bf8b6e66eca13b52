"""Vocoders: from log-mel spectrograms to samples."""
