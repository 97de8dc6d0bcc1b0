#!/usr/bin/env python3
"""Asks a run of two ranks to stop at a random moment, every third time when an epoch has ended and is evaluated: SIGUSR1 to
mpirun, which forwards it, or in turn SIGTERM to a rank. It must end with a checkpoint (exit code 75, which mpirun passes on),
and the resumed run, on another number of ranks, must end equal to an undisturbed one, bit for bit."""

import os
import random
import shutil
import signal
import time

import job
from job import need


def main():
    arguments = job.parser(__doc__, 6)
    arguments.add_argument("--usr1", action="store_true", help="no SIGTERM")
    options = arguments.parse_args()
    rng = random.Random(options.seed)

    def prepare(work):
        job.run_to_end(options, work, work / "undisturbed")
        return {number: line["epoch"] for (event, number), line in job.metrics(work / "undisturbed").items() if event == "step"}

    def trial(work, epochs, number):
        run, by_mpirun, evaluating = work / "run", options.usr1 or number % 2 == 0, number % 3 == 2
        shutil.rmtree(run, ignore_errors=True)
        training = job.Job(options, work, run, settings={"checkpoint.every_steps": 0, "checkpoint.every_epochs": 1000})
        # A step that is done when the signal comes; a few more follow until the ranks have agreed.
        after = rng.randrange(0, len(epochs) - 12)
        if evaluating:
            after = rng.choice([step for step in epochs if epochs[step] != epochs.get(step + 1, epochs[step])])
        text = lambda: (run / "metrics.jsonl").read_text() if (run / "metrics.jsonl").exists() else ""
        training.wait_for(lambda: f'"step":{after},' in text(), 120, f"step {after}")
        os.kill(training.process.pid if by_mpirun else training.ranks()[rng.randrange(2)], signal.SIGUSR1 if by_mpirun else signal.SIGTERM)
        begun = time.monotonic()
        code = training.wait(60)
        ended = time.monotonic() - begun
        need(code == 75, f"exit code {code}: {training.output()}")
        saved = job.checkpoints(run)
        need(saved and saved[-1] > after, f"no checkpoint after step {after}: {saved}")
        job.run_to_end(options, work, run, ranks=1 + number % 4, resume=True)
        job.expect_equal_runs(work / "undisturbed", run)
        return f"{'USR1 to mpirun' if by_mpirun else 'TERM to a rank'} at step {after}{', evaluating' if evaluating else ''}: 75 after {ended:.2f} s with step {saved[-1]} saved; resumed on {1 + number % 4} ranks, equal"

    job.main(trial, options, prepare)


if __name__ == "__main__":
    main()
