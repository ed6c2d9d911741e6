"""The process in which cocotb's runner builds or runs one design.

A process of its own because the runner ends failures in `SystemExit`, reads the environment of
whoever calls it, and waits for the simulator without a limit: here all three stay inside.
`hdl_bridge.simulation` starts it, with a JSON object on standard input: the simulator's kind, the
step, and the arguments of that step.
"""

from __future__ import annotations

import json
import sys

from cocotb_tools.runner import get_runner


def main() -> None:
    """Build or run what standard input describes."""
    job = json.load(sys.stdin)
    runner = get_runner(job["simulator"])
    if job["step"] == "build":
        runner.build(**job["arguments"])
    else:
        runner.test(**job["arguments"])


if __name__ == "__main__":
    main()
