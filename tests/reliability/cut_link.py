#!/usr/bin/env python3
"""Cuts the link of the host of one of two ranks at a random moment (network namespaces; needs root): both ranks must end within
the heartbeat's timeout and a little, each with a message that names the other; with the link up again, the resumed run
must end equal to an undisturbed one, bit for bit."""

import os
import random
import shutil
import sys
import time

import hosts
import job
from job import need

TIMEOUT_SECONDS = 4
SETTINGS = {"train.heartbeat_timeout_seconds": TIMEOUT_SECONDS, "train.epochs": 8}


def main():
    options = job.parser(__doc__, 5).parse_args()
    if os.geteuid() != 0 or shutil.which("ip") is None:
        print("cut_link: SKIPPED: needs root and ip (package iproute2)")
        sys.exit(77)
    rng = random.Random(options.seed)

    def prepare(work):
        job.run_to_end(options, work, work / "undisturbed", settings=SETTINGS)

    def trial(work, _, __):
        run, cut = work / "run", rng.randrange(2)
        shutil.rmtree(run, ignore_errors=True)
        with hosts.Hosts(work) as two:
            training = job.Job(options, work, run, settings=SETTINGS, mpirun=two.mpirun())
            try:
                training.wait_for(lambda: len(job.checkpoints(run)) >= 1, 60, "checkpoint")
                time.sleep(rng.random())
                two.link(cut, "down")
                begun = time.monotonic()
                while training.ranks() and time.monotonic() - begun < 60:
                    time.sleep(0.05)
                ended = time.monotonic() - begun
                need(ended < TIMEOUT_SECONDS + 6, f"the ranks ended {ended:.1f} s after: {training.output()}")
                two.link(cut, "up")
                code = training.wait(60)
            finally:
                training.kill()
            need(code != 0, f"exit code 0: {training.output()}")
            need("has been silent" in training.output(), f"nobody named a rank: {training.output()}")
            saved = job.checkpoints(run)
            job.run_to_end(options, work, run, settings=SETTINGS, resume=True, mpirun=two.mpirun())
        job.expect_equal_runs(work / "undisturbed", run)
        return f"host of rank {cut} cut off: ranks ended after {ended:.1f} s; resumed from step {saved[-1]}, equal"

    job.main(trial, options, prepare)


if __name__ == "__main__":
    main()
