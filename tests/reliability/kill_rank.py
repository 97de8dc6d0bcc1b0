#!/usr/bin/env python3
"""Kills (or with --stop stops, SIGSTOP) one rank of two at a random moment; the other must end within the deadline, with a
message that names the rank; the resumed run must end with the weights of an undisturbed one, bit for bit, and lose no
work beyond its last checkpoint."""

import contextlib
import os
import random
import re
import shutil
import signal
import time

import job
from job import need

DEADLINE_SECONDS = 10  # that the others have
TIMEOUT_SECONDS = 4    # of the heartbeat, with --stop
BEGIN_SECONDS = 6      # the deadline of MPI_Init, before there is a heartbeat


def main():
    arguments = job.parser(__doc__, 30)
    arguments.add_argument("--stop", action="store_true", help="SIGSTOP instead of SIGKILL")
    options = arguments.parse_args()
    rng = random.Random(options.seed)
    stopped = {"train.heartbeat_timeout_seconds": TIMEOUT_SECONDS, "train.collective_deadline_seconds": BEGIN_SECONDS}
    settings = stopped if options.stop else {}

    def prepare(work):
        undisturbed = job.Job(options, work, work / "undisturbed", settings=settings)
        undisturbed.wait_for_ranks(2)
        begun = time.monotonic()
        need(undisturbed.wait(300) == 0, undisturbed.output())
        return time.monotonic() - begun

    def strike(work, run, rank, seconds):
        """A job one of whose ranks was struck while it ran; when."""
        while True:
            shutil.rmtree(run, ignore_errors=True)
            training = job.Job(options, work, run, settings=settings)
            training.wait_for_ranks(2)
            moment = rng.random() * 0.95 * seconds
            time.sleep(moment)
            victim = training.ranks().get(rank)
            if victim is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(victim, signal.SIGSTOP if options.stop else signal.SIGKILL)
                    return training, moment
            training.wait(60)  # it ended before the moment: another one

    def trial(work, seconds, _):
        run, rank = work / "run", rng.randrange(2)
        training, moment = strike(work, run, rank, seconds)
        begun = time.monotonic()
        code = training.wait(60)
        ended = time.monotonic() - begun
        output = training.output()
        need(code != 0, f"exit code 0: {output}")
        need(ended < DEADLINE_SECONDS, f"the job ended {ended:.1f} s after: {output}")
        need(not training.ranks(), "a rank was left behind")
        named = f"rank {rank} " + ("has been silent" if options.stop else "died") in output
        # A rank that has finished and taken its leave is missed by nobody.
        if "training on" in output and not (run / "summary.json").exists():
            need(named, f"nobody named rank {rank}: {output}")
        saved = job.checkpoints(run)
        finished = (run / "summary.json").exists()  # killed at its very end
        resumed = job.run_to_end(options, work, run, settings=settings, resume=True)
        begun_at = re.search(r"resuming after epoch \d+, step (\d+)", resumed.output())
        if finished:
            need("nothing to carry on" in resumed.output(), f"carried on a run that is finished: {resumed.output()}")
        else:
            need((int(begun_at.group(1)) if begun_at else None) == (saved[-1] if saved else None), f"resumed elsewhere: {saved}, {resumed.output()}")
        job.expect_equal_runs(work / "undisturbed", run)
        return (f"rank {rank} at {moment:5.2f} s: the other ended after {ended:.2f} s{', naming it' if named else ''}; "
                f"resumed from step {saved[-1] if saved else 0}, equal")

    job.main(trial, options, prepare)


if __name__ == "__main__":
    main()
