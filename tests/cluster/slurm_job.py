#!/usr/bin/env python3
"""The script of `quadhop launch slurm`, run by a real Slurm of two nodes (tests/cluster/slurm.py; needs root, slurm-wlm and munge):
trains on both; asked to stop by USR1, as before a time limit, it writes a checkpoint, is queued again and ends equal to an undisturbed
run, bit for bit; a rank that is killed has it queued again too; a job that cannot succeed is not; the store is staged on request, over what
an earlier start has left, and removed; options of sbatch that the user adds win. Once with a Slurm whose PMIx fails, where the script takes mpirun, and once
by srun."""

import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "reliability"))
import job  # pylint: disable=wrong-import-position
import slurm  # pylint: disable=wrong-import-position
from job import need  # pylint: disable=wrong-import-position

SETTINGS = {**job.SMALL, "train.epochs": 12}


def train(options, run, store):
    words = ["train", "--store", str(store), "--config", "quickstart", "--run", str(run)]
    for field, value in SETTINGS.items():
        words += ["--set", f"{field}={value}"]
    for setting in options.set:
        words += ["--set", setting]
    return words


class Submitted:
    """A job that launch slurm --submit gave to Slurm."""

    def __init__(self, cluster, options, work, run, *flags, store=None, cpus=1):
        self.cluster, self.run = cluster, run
        words = [options.quadhop, "launch", "slurm", "--nodes", "2", "--ranks-per-node", "1", "--cpus-per-rank", str(cpus), "--time", "10",
                 "--submit", *flags, "--", *train(options, run, store or work / "graph.qh")]
        done = subprocess.run(words, env=cluster.environment(), cwd=work, capture_output=True, text=True, check=False)
        need(done.returncode == 0 and "Submitted batch job" in done.stdout, f"not submitted: {done.stdout}{done.stderr}")
        self.number = int(done.stdout.split()[-1])
        self.log = work / f"{run.name}-{self.number}.log"

    def output(self):
        return self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""

    def wait_for(self, condition, seconds, what):
        end = time.monotonic() + seconds
        while not condition():
            ended = self.cluster.job(self.number)["JobState"] in ("FAILED", "CANCELLED", "TIMEOUT")
            need(time.monotonic() < end and not (ended and what == "checkpoint"), f"no {what} within {seconds} s: {self.cluster.job(self.number)}\n{self.output()}")
            time.sleep(0.1)

    def state(self):
        return self.cluster.job(self.number)["JobState"]

    def wait(self, seconds=400):
        """The state it ends in. Slurm lets a job that is queued again wait two minutes. Here it is a few seconds: the nodes refuse a job
        that comes back in the second in which it was revoked."""
        released = []

        def ended():
            fields = self.cluster.job(self.number)
            if fields["JobState"] == "PENDING" and fields["Reason"] == "BeginTime" and not released:
                time.sleep(5)
                self.cluster.run("scontrol", "update", f"JobId={self.number}", "StartTime=now")
                released.append(True)
            return fields["JobState"] not in ("PENDING", "RUNNING", "COMPLETING", "REQUEUED", "CONFIGURING")

        self.wait_for(ended, seconds, "end of the job")
        return self.state()


def expect(submitted, state, restarts, work):
    ended = submitted.wait()
    need(ended == state, f"ended as {ended}: {submitted.output()}\n{submitted.cluster.log()}")
    need(int(submitted.cluster.job(submitted.number)["Restarts"]) == restarts, f"not {restarts} restarts: {submitted.output()}")
    if state == "COMPLETED":
        job.expect_equal_runs(work / "undisturbed", submitted.run)


def preempted(cluster, options, work):
    submitted = Submitted(cluster, options, work, work / "preempted")
    submitted.wait_for(lambda: job.checkpoints(submitted.run), 120, "checkpoint")
    need("2 ranks" in submitted.output(), f"not on two ranks: {submitted.output()}")
    nodes = cluster.job(submitted.number)["NodeList"]
    need(nodes == "n[1-2]", f"runs on {nodes}")
    need(f"ranks are started by {'srun' if cluster.pmix else 'mpirun'}" in submitted.output(), submitted.output())
    cluster.run("scancel", "--batch", "--signal=USR1", str(submitted.number))
    expect(submitted, "COMPLETED", 1, work)
    need("asked to stop by USR1" in submitted.output() and "ended with 75: to be queued again" in submitted.output(), submitted.output())
    return "preempted: queued again, equal"


def rank_killed(cluster, options, work):
    submitted = Submitted(cluster, options, work, work / "killed")
    submitted.wait_for(lambda: job.checkpoints(submitted.run), 120, "checkpoint")
    ranks = job.ranks_of(submitted.run)
    need(sorted(ranks) == [0, 1], f"ranks {ranks}")
    os.kill(ranks[1], signal.SIGKILL)
    expect(submitted, "COMPLETED", 1, work)
    return "rank killed: queued again, equal"


def hopeless(cluster, options, work):
    submitted = Submitted(cluster, options, work, work / "hopeless", store=work / "none.qh")
    expect(submitted, "FAILED", 0, work)
    need(submitted.output().count("no such store") == 1, f"not said once: {submitted.output()}")
    return "no store: ended at once"


def staged(cluster, options, work):
    local = work / "local"
    submitted = Submitted(cluster, options, work, work / "staged", "--stage-to", str(local), "--sbatch=--hold", cpus=0)
    (local / f"quadhop-{submitted.number}/graph.qh.0/torn").mkdir(parents=True)  # by a start that was cut short
    cluster.run("scontrol", "release", str(submitted.number))
    expect(submitted, "COMPLETED", 0, work)
    need(f"training on {local}/quadhop-{submitted.number}/graph.qh" in submitted.output(), submitted.output())
    need(not list(local.iterdir()), f"left behind: {list(local.iterdir())}")
    need("cpu=4,mem=4000M" in cluster.job(submitted.number)["TRES"], f"not whole nodes: {cluster.job(submitted.number)}")
    return "staged, on whole nodes: equal"


def staged_and_cancelled(cluster, options, work):
    local = work / "local"
    submitted = Submitted(cluster, options, work, work / "cancelled", "--stage-to", str(local))
    submitted.wait_for(lambda: job.checkpoints(submitted.run), 120, "checkpoint")
    need(list(local.iterdir()), "nothing is staged")
    cluster.run("scancel", str(submitted.number))
    submitted.wait_for(lambda: not list(local.iterdir()), 20, "removal of the copy")
    return "staged, cancelled: removed"


def own_options(cluster, options, work):
    comment = 'it\'s "a b" #\\'
    submitted = Submitted(cluster, options, work, work / "own", "--sbatch=--no-requeue", "--sbatch=--output=own.log", f"--sbatch=--comment={comment}")
    submitted.log = work / "own.log"
    need(f"Comment={comment}" in cluster.run("scontrol", "-o", "show", "job", str(submitted.number)), "another comment")
    submitted.wait_for(lambda: job.checkpoints(submitted.run), 120, "checkpoint")
    cluster.run("scancel", "--batch", "--signal=USR1", str(submitted.number))
    expect(submitted, "FAILED", 0, work)
    need("Slurm does not queue this job again" in submitted.output(), submitted.output())
    return "own options: win"


def unjoined(cluster, options, _):
    """Processes of an srun without MPI must not each train."""
    done = subprocess.run(["srun", "--mpi=none", "-N2", "-n2", options.quadhop, "doctor"], env=cluster.environment(), capture_output=True, text=True,
                          check=False)
    need(done.returncode == 2 and done.stderr.count("2 processes were started together") == 1, f"{done.returncode}: {done.stdout}{done.stderr}")
    return "srun without MPI: refused"


def main():
    options = job.parser(__doc__, 1).parse_args()
    reason = slurm.why_not()
    if reason:
        print(f"slurm_job: SKIPPED: {reason}")
        sys.exit(77)

    def prepare(work):
        job.run_to_end(options, work, work / "undisturbed", settings=SETTINGS, ranks=1)

    def trial(work, _, __):
        said = []
        for starter, checks in (("mpirun", (preempted, rank_killed, hopeless, staged, staged_and_cancelled, own_options, unjoined)), ("srun", (preempted, rank_killed, hopeless))):
            for left in ("preempted", "killed", "hopeless", "staged", "cancelled", "own", "local", "slurm"):
                shutil.rmtree(work / left, ignore_errors=True)
            for log in work.glob("*.log"):
                log.unlink()
            with slurm.Slurm(work, pmix=starter == "srun") as cluster:
                said += [f"{starter}, {check(cluster, options, work)}" for check in checks]
        return "; ".join(said)

    job.main(trial, options, prepare)


if __name__ == "__main__":
    main()
