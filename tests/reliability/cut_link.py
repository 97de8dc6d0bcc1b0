#!/usr/bin/env python3
"""Cuts the link of the host of one of two ranks at a random moment (network namespaces; needs root): both ranks must end within
the heartbeat's timeout (--by-deadline: without a heartbeat, within the deadline of collectives) and 5 s, with a message that
names the rank that is cut off and what it, or the rank that waits for it, was doing; with the link up again, the resumed run
must end equal to an undisturbed one, bit for bit."""

import os
import random
import re
import shutil
import sys
import time

import hosts
import job
from job import need

TIMEOUT_SECONDS = 4
GRACE_SECONDS = 5
BY_HEARTBEAT = {"train.heartbeat_timeout_seconds": TIMEOUT_SECONDS, "train.epochs": 8}
BY_DEADLINE = {"train.heartbeat_interval_seconds": 0, "train.collective_deadline_seconds": TIMEOUT_SECONDS, "train.epochs": 8}


def main():
    arguments = job.parser(__doc__, 5)
    arguments.add_argument("--by-deadline", action="store_true", help="no heartbeat: the deadline of collectives must find it")
    options = arguments.parse_args()
    settings = BY_DEADLINE if options.by_deadline else BY_HEARTBEAT
    if os.geteuid() != 0 or shutil.which("ip") is None:
        print("cut_link: SKIPPED: needs root and ip (package iproute2)")
        sys.exit(77)
    rng = random.Random(options.seed)

    def prepare(work):
        job.run_to_end(options, work, work / "undisturbed", settings=settings)

    def trial(work, _, __):
        run, cut = work / "run", rng.randrange(2)
        shutil.rmtree(run, ignore_errors=True)
        with hosts.Hosts(work) as two:
            training = job.Job(options, work, run, settings=settings, mpirun=two.mpirun())
            try:
                training.wait_for(lambda: len(job.checkpoints(run)) >= 1, 60, "checkpoint")
                time.sleep(rng.random())
                two.link(cut, "down")
                begun = time.monotonic()
                while training.ranks() and time.monotonic() - begun < 60:
                    time.sleep(0.05)
                ended = time.monotonic() - begun
                need(ended < TIMEOUT_SECONDS + GRACE_SECONDS, f"the ranks ended {ended:.1f} s after: {training.output()}")
                two.link(cut, "up")
                code = training.wait(60)
            finally:
                training.kill()
            need(code != 0, f"exit code 0: {training.output()}")
            words = rf"[\w. ]+: waited {TIMEOUT_SECONDS} s for rank {cut}" if options.by_deadline else rf"rank {cut} has been silent.*rank {cut} was [a-z ]+, step"
            need(re.search(words, training.output()), f"nobody named rank {cut}: {training.output()}")
            saved = job.checkpoints(run)
            job.run_to_end(options, work, run, settings=settings, resume=True, mpirun=two.mpirun())
        job.expect_equal_runs(work / "undisturbed", run)
        return f"host of rank {cut} cut off: ranks ended after {ended:.1f} s; resumed from step {saved[-1]}, equal"

    job.main(trial, options, prepare)


if __name__ == "__main__":
    main()
