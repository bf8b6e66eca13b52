"""Runs one service that never outlives the process which asked for it.

Started as a plain file, `python service_launcher.py PARENT_PID COMMAND...`, in a session of its own. It stays
between parent and service because the kernel's word about a dead parent reaches direct children only, while
MLflow serves from a grandchild: the launcher passes it on to its whole process group, and to nobody else.
Standard library only, so that it costs little memory.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from types import FrameType

GRACE_S = 3.0
"""What a service gets between the request to end and the end."""

ORPHAN_CHECK_S = 2.0
"""Where the kernel does not tell about a dead parent, it is looked for this often."""

_PR_SET_PDEATHSIG = 1


def ask_for_signal_at_parents_end(signal_number: int) -> None:
    """Linux: have `signal_number` sent to this process when its parent ends. Elsewhere: nothing."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal_number))


def run(parent_pid: int, command: list[str]) -> None:
    """Run `command` until it ends, SIGTERM comes or the parent is gone; then end the whole process group."""

    def leave(_signal: int, _frame: FrameType | None) -> None:
        raise SystemExit

    def leave_if_orphaned(_signal: int, _frame: FrameType | None) -> None:
        # The kernel also sends it when only the thread that started us has ended: ask who the parent is.
        if os.getppid() != parent_pid:
            raise SystemExit

    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGALRM, leave_if_orphaned)
    child: subprocess.Popen[bytes] | None = None
    try:
        ask_for_signal_at_parents_end(signal.SIGALRM)
        signal.setitimer(signal.ITIMER_REAL, ORPHAN_CHECK_S, ORPHAN_CHECK_S)
        leave_if_orphaned(0, None)  # it may have ended before we asked
        # This process has one thread, so a function between fork and exec is safe.
        child = subprocess.Popen(command, preexec_fn=_end_with_launcher)
        status = child.wait()
        sys.stderr.write(f"the service ended by itself with exit status {status}\n")
        sys.stderr.flush()
    finally:
        _end_group(child)


def _end_with_launcher() -> None:
    ask_for_signal_at_parents_end(signal.SIGKILL)


def _end_group(child: subprocess.Popen[bytes] | None) -> None:
    for number in (signal.SIGALRM, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    os.killpg(0, signal.SIGTERM)
    if child is not None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(timeout=GRACE_S)
    os.killpg(0, signal.SIGKILL)  # ourselves too: as long as we live, the group's number is ours


if __name__ == "__main__":
    if os.getpgrp() != os.getpid():
        sys.exit("service_launcher.py ends its process group and so has to lead one of its own")
    run(int(sys.argv[1]), sys.argv[2:])
