# SPDX-License-Identifier: Apache-2.0
"""A plugin of pytest, for tests that run for hours: which one runs, and how long each took, on the
descriptor PROGRESS_FD; what they say themselves goes where it went.

    test_recorder_crash.py::test_both_die                                 512.3 s  passed
"""
import os

WIDTH = 72
OUT = os.fdopen(int(os.environ["PROGRESS_FD"]), "w", buffering=1)
now = {}


def pytest_runtest_logstart(nodeid, location):
    now.clear()
    now.update(seconds=0.0, outcome="passed")
    print(f"  {nodeid.removeprefix('tests/system/'):{WIDTH}} ", end="", file=OUT, flush=True)


def pytest_runtest_logreport(report):
    """Of its setting up, itself and its clearing up; the worst of the three counts."""
    now["seconds"] += report.duration
    if report.failed or (report.skipped and now["outcome"] == "passed"):
        now["outcome"] = report.outcome


def pytest_runtest_logfinish(nodeid, location):
    print(f"{now['seconds']:8.1f} s  {now['outcome']}", file=OUT)
