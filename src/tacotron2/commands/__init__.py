"""The commands of `python -m tacotron2.cli`, a module for each kind; each imports what it needs late."""
