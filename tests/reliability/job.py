"""What the scripts of this folder share: a small store, runs of quadhop under mpirun, and what two runs have in common.

Python's standard library only. Every script takes --count and --seed, works in a folder of its own, prints a line a trial
and a last line that sums up, and exits with 1 if anything was not as it must be.
"""

import argparse
import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
PHOTO = ROOT / ".." / "shared" / "data" / "amazon_photo"
SMALL = {
    "train.epochs": 4, "train.batch": 512, "train.log_every_steps": 1, "sampler.sampled_nodes": 8,
    "model.width": 16, "model.centroids": 32, "checkpoint.every_steps": 5, "checkpoint.keep": 3,
}
MPIRUN = ["mpirun", "--oversubscribe", "--bind-to", "none"]


class Failure(Exception):
    """Something was not as it must be."""


def need(condition, what):
    if not condition:
        raise Failure(what)


def parser(about, count):
    arguments = argparse.ArgumentParser(description=about)
    arguments.add_argument("--count", type=int, default=count, help="trials (default %(default)s)")
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--quadhop", default=str(ROOT / "build/release/quadhop"), help="the program")
    arguments.add_argument("--set", action="append", default=[], metavar="FIELD=VALUE", help="a field of every run's config")
    arguments.add_argument("--graph", help="a graph in OGB's raw csv layout; else amazon_photo of the shared data, else a generated one")
    return arguments


def environment():
    leaks = {"ASAN_OPTIONS": "detect_leaks=0"}  # Open MPI's, where the address sanitizer looks
    if os.geteuid() == 0:
        return dict(os.environ, **leaks, OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
    return dict(os.environ, **leaks)


@contextlib.contextmanager
def workplace(options):
    """A folder with a store in it, removed at the end."""
    work = pathlib.Path(tempfile.mkdtemp(prefix="quadhop_reliability."))
    try:
        graph = options.graph or (PHOTO if PHOTO.is_dir() else None)
        if graph is None:
            # As many steps as amazon_photo has, of half the nodes.
            graph = work / "graph"
            options.set.insert(0, "train.batch=256")
            call(options, "synth", "--nodes", 30000, "--degree", 10, "--features", 16, "--classes", 5, "--seed", 1, "--out", graph)
        call(options, "prep", "--from", graph, "--store", work / "graph.qh", "--parts", 4, "--dim", 16)
        yield work
    finally:
        Job.end_all()
        shutil.rmtree(work, ignore_errors=True)


def call(options, *arguments):
    """Runs the program to its end; its output, both streams."""
    done = subprocess.run([options.quadhop, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    need(done.returncode == 0, f"quadhop {arguments[0]} ended with {done.returncode}: {done.stdout}")
    return done.stdout


class Job:
    """One training run under mpirun, in the background."""

    started = []  # of this script; see end_all

    def __init__(self, options, work, run, ranks=2, settings=None, resume=False, mpirun=None, store=None, launch=None):
        """launch: a command of `quadhop launch` up to its job, in place of mpirun."""
        start = launch or [*(mpirun or MPIRUN), "-n", str(ranks), options.quadhop]
        command = [*start, "train", "--store", str(store or work / "graph.qh"), "--config", "quickstart",
                   "--run", str(run), "--threads", "1"]
        for field, value in {**SMALL, **(settings or {})}.items():
            command += ["--set", f"{field}={value}"]
        for setting in options.set:
            command += ["--set", setting]
        if resume:
            command.append("--resume")
        self.run = run
        self.log = work / "log"
        with open(self.log, "w", encoding="utf-8") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=environment(), start_new_session=True)
        self.start = time.monotonic()
        Job.started.append(self)

    @staticmethod
    def end_all():
        """Kills what a trial that failed has left running."""
        for started in Job.started:
            if started.process.poll() is None or started.ranks():
                started.kill()
        Job.started.clear()

    def output(self):
        return self.log.read_text(encoding="utf-8", errors="replace")

    def wait(self, seconds):
        """The exit code. A job that does not end is killed, and a Failure."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Failure(f"the job did not end within {seconds:.0f} s: {self.output()}") from None

    def kill(self):
        for pid in self.ranks().values():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.kill()
        self.process.wait()

    def ranks(self):
        return ranks_of(self.run)

    def wait_for(self, condition, seconds, what):
        """Polls until condition() is true."""
        end = time.monotonic() + seconds
        while not condition():
            need(self.process.poll() is None, f"the job ended before {what}: {self.output()}")
            need(time.monotonic() < end, f"no {what} within {seconds} s: {self.output()}")
            time.sleep(0.03)

    def wait_for_ranks(self, count):
        self.wait_for(lambda: len(self.ranks()) == count, 60, f"{count} ranks")


def ranks_of(run):
    """{rank: pid} of the processes of a run that there are, on any host of this machine."""
    found = {}
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            if str(run).encode() not in (entry / "cmdline").read_bytes().split(b"\0"):
                continue
            state = (entry / "stat").read_text().rsplit(")", 1)[1].split()[0]
            variables = (entry / "environ").read_text(errors="replace").split("\0")
            rank = [v.split("=")[1] for v in variables if v.startswith(("OMPI_COMM_WORLD_RANK=", "PMIX_RANK="))]
            if state not in "ZX" and rank and os.path.basename(os.readlink(entry / "exe")) == "quadhop":
                found[int(rank[0])] = int(entry.name)
    return found


def run_to_end(options, work, run, seconds=300, **more):
    job = Job(options, work, run, **more)
    code = job.wait(seconds)
    need(code == 0, f"ended with {code}: {job.output()}")
    return job


def checkpoints(run):
    """Steps with a checkpoint, ascending."""
    names = [p.name for p in (run / "checkpoints").glob("step-*")] if (run / "checkpoints").is_dir() else []
    return sorted(int(n[5:]) for n in names if n[5:].isdigit())


def newest(run):
    steps = checkpoints(run)
    return run / "checkpoints" / f"step-{steps[-1]:010d}" if steps else None


def metrics(run):
    """What the lines say of steps and epochs, without times: {("step", 3): {...}}."""
    lines = {}
    for line in (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines():
        event = json.loads(line)
        if event["event"] in ("step", "epoch"):
            digits = {k: v for k, v in event.items() if "seconds" not in k and "per_second" not in k and k != "loading"}
            key = (event["event"], event[event["event"]])
            need(key not in lines, f"two lines of {key}")
            lines[key] = digits
    return lines


def expect_equal_runs(expected, run):
    """Equal in every bit of the last checkpoint, and in every digit of every line."""
    expect_equal_ends(expected, run)
    need(metrics(expected) == metrics(run), "metrics differ")


def expect_equal_ends(expected, run):
    """Equal in every bit of the last checkpoint."""
    a, b = newest(expected), newest(run)
    need(a.name == b.name, f"the last checkpoint is {b.name}, not {a.name}")
    files = sorted(p.name for p in a.iterdir() if p.suffix in (".safetensors", ".npy"))
    need(files == sorted(p.name for p in b.iterdir() if p.suffix in (".safetensors", ".npy")), "other files")
    for name in files:
        need((a / name).read_bytes() == (b / name).read_bytes(), f"{name} differs")


def main(trial, options, prepare=None):
    """Runs the trials; trial(work, prepared, number) returns what its line says."""
    failed = 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # leaves nothing behind either
    with workplace(options) as work:
        prepared = prepare(work) if prepare else None
        for number in range(options.count):
            try:
                said = trial(work, prepared, number)
            except Failure as failure:
                failed += 1
                said = f"FAILED: {failure}"
            finally:
                Job.end_all()
            print(f"{number + 1}/{options.count}  {said}", flush=True)
    name = pathlib.Path(sys.argv[0]).stem
    print(f"{name}: {options.count - failed} of {options.count} as they must be", flush=True)
    sys.exit(1 if failed else 0)
