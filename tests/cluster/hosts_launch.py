#!/usr/bin/env python3
"""`quadhop launch hosts` on two hosts (network namespaces; needs root): trains on both by a hostfile, to the same digits as on
one; and says in one line, before any work, that a host cannot be reached, lacks the program's folder, or lacks the store."""

import contextlib
import os
import pathlib
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "reliability"))
import hosts  # pylint: disable=wrong-import-position
import job  # pylint: disable=wrong-import-position
from job import need  # pylint: disable=wrong-import-position


def expect_refusal(options, two, work, hostfile, said, store=None):
    """The launch must say `said` in one line, and nothing of a job."""
    command = [options.quadhop, "launch", "hosts", "--hostfile", str(hostfile), "--", "train", "--store", str(store or work / "graph.qh"),
               "--config", "quickstart", "--run", str(work / "refused")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=dict(job.environment(), **two.environment()))
    need(done.returncode == 1, f"exit code {done.returncode}: {done.stderr}")
    need(done.stderr.count(said) == 1 and done.stderr.count("\n") == 1, f"not one line with '{said}': {done.stderr}")
    need(not (work / "refused").exists(), "a run was begun")


def expect_agreement(options, two, work, names):
    """Started by mpirun alone, train and doctor must name the rank and host that lack the store, once."""
    graph = str(work / "graph.qh")
    for command in (["train", "--config", "quickstart", "--run", str(work / "refused"), "--store", graph], ["doctor", "--store", graph]):
        done = subprocess.run([*two.mpirun(), "-n", "2", options.quadhop, *command], capture_output=True, text=True, check=False, env=job.environment())
        said = [line for line in (done.stdout + done.stderr).splitlines() if "is not a store" in line]
        need(done.returncode == 1 and len(said) == 1 and "rank 1 on " in said[0], f"{names[1]} lacks the store: {done.stdout}{done.stderr}")
    need(not (work / "refused").exists(), "a run was begun")


def expect_sound(options, two, hostfile, work):
    command = [options.quadhop, "launch", "hosts", "--hostfile", str(hostfile), "--", "doctor", "--store", str(work / "graph.qh")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=dict(job.environment(), **two.environment()))
    need(done.returncode == 0 and "FAIL" not in done.stdout and "the same on every rank" in done.stdout, f"{done.stdout}{done.stderr}")
    need(f"{two.names[0]} (1 rank), {two.names[1]} (1 rank)" in done.stdout, f"not on two hosts: {done.stdout}")
    print(next(line for line in done.stdout.splitlines() if " network " in line))


def main():
    options = job.parser(__doc__, 1).parse_args()
    if os.geteuid() != 0 or shutil.which("ip") is None:
        print("hosts_launch: SKIPPED: needs root and ip (package iproute2)")
        sys.exit(77)

    def prepare(work):
        job.run_to_end(options, work, work / "one", ranks=1)

    def trial(work, _, __):
        shutil.rmtree(work / "run", ignore_errors=True)
        with hosts.Hosts(work) as two:
            names = [f"{two.net}.11", f"{two.net}.12"]
            hostfile = work / "hosts"
            hostfile.write_text(f"# two hosts of one rank\n{names[0]}\n{names[1]} slots=1\n", encoding="utf-8")
            launch = [options.quadhop, "launch", "hosts", "--hostfile", str(hostfile), "--network", f"{two.net}.0/24"]
            with environment(two.environment()):
                training = job.run_to_end(options, work, work / "run", launch=launch)
                need("over 2 ranks" in training.output(), training.output())
            job.expect_equal_runs(work / "one", work / "run")
            wrong = work / "wrong"
            wrong.write_text(f"{names[0]}\n{two.net}.99\n", encoding="utf-8")
            expect_refusal(options, two, work, wrong, f"host {two.net}.99 (line 2) cannot be reached")
            with two.hidden(1, work / "graph.qh"):
                expect_refusal(options, two, work, hostfile, f"host {names[1]} (line 3) has no store")
                expect_agreement(options, two, work, names)
            expect_sound(options, two, hostfile, work)
        return "two hosts by a hostfile: equal to one; a wrong host and a missing store: one line each; doctor: sound"

    job.main(trial, options, prepare)


@contextlib.contextmanager
def environment(variables):
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


if __name__ == "__main__":
    main()
