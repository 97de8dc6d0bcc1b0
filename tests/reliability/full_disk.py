#!/usr/bin/env python3
"""Fills the disk (a small tmpfs) while a run writes checkpoints, and makes room again. The run must go on with a warning, the
checkpoint before must stay intact, and the end must equal an undisturbed run's, bit for bit. Needs root, for the tmpfs."""

import contextlib
import os
import random
import shutil
import subprocess
import sys

import job
from job import need


@contextlib.contextmanager
def tmpfs(path, size):
    path.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(path)], check=True)
    try:
        yield path
    finally:
        job.Job.end_all()  # or the disk is busy
        subprocess.run(["umount", str(path)], check=True)


def main():
    options = job.parser(__doc__, 3).parse_args()
    if os.geteuid() != 0:
        print("full_disk: SKIPPED: only root can mount a tmpfs")
        sys.exit(77)
    rng = random.Random(options.seed)
    settings = {"train.epochs": 12}

    def prepare(work):
        job.run_to_end(options, work, work / "undisturbed", settings=settings)

    def trial(work, _, __):
        mounted = work / "disk"
        shutil.rmtree(mounted, ignore_errors=True)
        with tmpfs(mounted, "16m") as disk:
            run, filler = disk / "run", disk / "filler"
            training = job.Job(options, work, run, settings=settings)
            training.wait_for(lambda: len(job.checkpoints(run)) >= 2, 60, "second checkpoint")
            # Less room than the next checkpoint takes, also when an older one is removed meanwhile.
            size = sum(file.stat().st_size for file in job.newest(run).iterdir())
            leave = rng.randrange(size // 2)

            def warned():
                fill(filler, leave)
                return "could not be written" in training.output()
            training.wait_for(warned, 60, "warning")
            kept = intact(options, run)
            need(kept, f"no checkpoint is intact: {training.output()}")
            filler.unlink()
            code = training.wait(120)
            need(code == 0, f"ended with {code}: {training.output()}")
            job.expect_equal_ends(work / "undisturbed", run)  # lines of metrics may be lost
            warnings = training.output().count("could not be written, training goes on")
            return f"{warnings} writes failed, the checkpoint of step {kept[-1]} stayed intact, the end is equal"

    job.main(trial, options, prepare)


def fill(path, leave):
    """Takes all room of the file system but about so many bytes; again, what has become free since."""
    with open(path, "ab") as file:
        disk = os.statvfs(path)
        more = disk.f_bavail * disk.f_frsize - leave
        if more > 0:
            with contextlib.suppress(OSError):
                os.posix_fallocate(file.fileno(), os.fstat(file.fileno()).st_size, more)


def intact(options, run):
    """Steps whose checkpoint is intact."""
    def verified(step):
        path = run / "checkpoints" / f"step-{step:010d}"
        return subprocess.run([options.quadhop, "verify", str(path)], capture_output=True, check=False).returncode == 0
    return [step for step in job.checkpoints(run) if verified(step)]


if __name__ == "__main__":
    main()
