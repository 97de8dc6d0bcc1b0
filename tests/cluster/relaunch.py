#!/usr/bin/env python3
"""`quadhop launch local --max-restarts` kept alive: a rank is killed at a random moment, and the job must be started again by
itself and end equal to an undisturbed run, bit for bit. Then a request to stop (USR1 or TERM to launch, or as from a terminal or
timeout(1) a signal to its group) must end it with 75 and no restart; and what another start would not mend must not be started
again."""

import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "reliability"))
import job  # pylint: disable=wrong-import-position
from job import need  # pylint: disable=wrong-import-position


# Under nohup it is ignored, by jobs, too.
signal.signal(signal.SIGHUP, signal.SIG_DFL)


def local(options, *flags, ranks=2):
    return [options.quadhop, "launch", "local", "-n", str(ranks), *flags]


def kill_a_rank(options, rng, work):
    run = work / "run"
    shutil.rmtree(run, ignore_errors=True)
    training = job.Job(options, work, run, launch=local(options, "--max-restarts", "2"))
    training.wait_for_ranks(2)
    time.sleep(rng.random())
    rank = rng.randrange(2)
    pid = training.ranks().get(rank)
    need(pid is not None, "the run ended before the kill")
    os.kill(pid, signal.SIGKILL)
    code = training.wait(120)
    need(code == 0, f"exit code {code}: {training.output()}")
    need("restart 1 of 2" in training.output(), f"no restart was said: {training.output()}")
    need("restart 2 of 2" not in training.output(), f"a restart too many: {training.output()}")
    job.expect_equal_runs(work / "undisturbed", run)
    return f"rank {rank} killed: started again, equal"


def ask_to_stop(options, work, number):
    name, ask = (("USR1", os.kill), ("INT", os.killpg), ("TERM", os.kill), ("TERM", os.killpg), ("HUP", os.killpg))[number % 5]
    run = work / "run"
    shutil.rmtree(run, ignore_errors=True)
    training = job.Job(options, work, run, launch=local(options, "--max-restarts", "2"))
    training.wait_for(lambda: job.checkpoints(run), 60, "checkpoint")
    ask(training.process.pid, getattr(signal, f"SIG{name}"))
    code = training.wait(60)
    need(code == 75, f"exit code {code} after {name}: {training.output()}")
    need("restart" not in training.output(), f"a restart: {training.output()}")
    job.run_to_end(options, work, run, resume=True, launch=local(options, ranks=3))
    job.expect_equal_runs(work / "undisturbed", run)
    return f"{name}{' to the group' if ask is os.killpg else ''}: 75, resumed on 3 ranks, equal"


def expect_no_restart(options, work):
    for flags, code in ((["--stor", "x"], 2), (["--store", str(work / "none.qh"), "--config", "quickstart", "--run", str(work / "r")], 1)):
        done = subprocess.run([*local(options, "--max-restarts", "2"), "train", *flags], capture_output=True, text=True, check=False)
        need(done.returncode == code, f"exit code {done.returncode}: {done.stderr}")
        need(done.stderr.count("no such store") + done.stderr.count("there is no flag") == 1, f"said more than once: {done.stderr}")
        need("restart 1" not in done.stderr, f"a restart: {done.stderr}")


def expect_no_restart_before_a_step(options, work):
    for point, fault in (("TRAINING_STEP", "ERROR"), ("LOSS", None)):
        run = work / "failing"
        shutil.rmtree(run, ignore_errors=True)
        settings = {"train.fail_at.point": point, "train.fail_at.step": 0, **({"train.fail_at.fault": fault} if fault else {})}
        failing = job.Job(options, work, run, settings=settings, launch=local(options, "--max-restarts", "2"))
        code = failing.wait(120)
        need(code == 1, f"exit code {code} at {point}: {failing.output()}")
        need("got no further" in failing.output(), f"nothing was said at {point}: {failing.output()}")
        need("restart 1" not in failing.output(), f"a restart after {point} at the first step: {failing.output()}")


def main():
    options = job.parser(__doc__, 5).parse_args()
    rng = random.Random(options.seed)

    def prepare(work):
        job.run_to_end(options, work, work / "undisturbed")
        expect_no_restart(options, work)
        expect_no_restart_before_a_step(options, work)

    job.main(lambda work, _, number: kill_a_rank(options, rng, work) + "; " + ask_to_stop(options, work, number), options, prepare)


if __name__ == "__main__":
    main()
