"""One thread for the arithmetic of every test and its children: tiny tensors on threads that wait for each
other, beside other processes, take many times as long. Messages in English, whatever the person prefers."""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"
os.environ.pop("SMART_TUNER_MESSAGES", None)
os.environ.pop("SMART_TUNER_TELEGRAM_TOKEN", None)  # nobody is told of a test
os.environ.pop("SMART_TUNER_TELEGRAM_CHAT", None)
