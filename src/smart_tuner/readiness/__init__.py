"""The readiness report: what was checked of program, settings and machine, and what to do where it failed.

`tick.py` is what all share. Every other module here makes the ticks of one group, but for `report.py`, which
gathers them, and `renderers.py`, which tells them.
"""
