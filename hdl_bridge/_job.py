"""The process in which cocotb's runner builds or runs one design.

A process of its own because the runner ends failures in `SystemExit`, reads the environment of
whoever calls it, and waits for the simulator without a limit: here all three stay inside.
`hdl_bridge._steps` starts it, with a JSON object on standard input: the simulator's kind, the
step, the arguments of that step, and a pipe that whoever started it holds open. When that process
is gone, however it ended, nothing that was started here lives on.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from threading import Thread

from cocotb_tools.runner import get_runner


def main() -> None:
    """Build or run what standard input describes."""
    job = json.load(sys.stdin)
    Thread(target=_end_with, args=(job["lifeline"],), daemon=True).start()
    runner = get_runner(job["simulator"])
    if job["step"] == "build":
        runner.build(**job["arguments"])
    else:
        runner.test(**job["arguments"])


def _end_with(pipe: int) -> None:
    os.read(pipe, 1)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main()
