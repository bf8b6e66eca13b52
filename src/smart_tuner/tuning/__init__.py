"""Tuning: what is searched, how a trial is judged, and who proposes the next one. See docs/tuning.md."""
