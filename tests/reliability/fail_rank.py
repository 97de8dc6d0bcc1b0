#!/usr/bin/env python3
"""A rank of two lives but does not go on (train.fail_at.fault=HANG), or in turn runs out of memory (MEMORY), at a random step: as
it begins, within the exchange of features or within the sum of gradients. The job must end, within the deadline of collectives
and 5 s or at once, with a message that names the rank; both ranks must show where they are if one hangs; and the resumed run must
end with the weights of an undisturbed one, bit for bit."""

import random
import re
import shutil
import time

import job
from job import need

DEADLINE_SECONDS = 4
GRACE_SECONDS = 5
POINTS = ["TRAINING_STEP", "EXCHANGE", "ALL_REDUCE"]


def main():
    options = job.parser(__doc__, 6).parse_args()
    rng = random.Random(options.seed)
    settings = {"train.collective_deadline_seconds": DEADLINE_SECONDS, "sampler.feature_placement": "PARTITIONED"}

    def prepare(work):
        job.run_to_end(options, work, work / "undisturbed", settings={**settings, "train.collective_deadline_seconds": 300})
        return max(number for event, number in job.metrics(work / "undisturbed") if event == "step")

    def trial(work, last_step, number):
        run, rank, hangs = work / "run", rng.randrange(2), number % 2 == 0
        point, step = POINTS[number // 2 % len(POINTS)], rng.randrange(6, last_step)
        shutil.rmtree(run, ignore_errors=True)
        fault = {"fault": "HANG" if hangs else "MEMORY", "rank": rank, "point": point, "step": step}
        failing = job.Job(options, work, run, settings={**settings, **{f"train.fail_at.{name}": value for name, value in fault.items()}})
        # Its last sign of life but for what it says at its end.
        failing.wait_for(lambda: (run / "metrics.jsonl").exists() and f'"step":{step - 5},' in (run / "metrics.jsonl").read_text(), 60, f"step {step - 5}")
        begun = time.monotonic()
        code = failing.wait(60)
        ended = time.monotonic() - begun
        output = failing.output()
        need(code != 0, f"exit code 0: {output}")
        need(ended < hangs * DEADLINE_SECONDS + GRACE_SECONDS, f"the job ended {ended:.1f} s after: {output}")
        need(not failing.ranks(), "a rank was left behind")
        said = [rf"waited {DEADLINE_SECONDS} s for rank {rank}"] if hangs else [rf"rank {rank} ends the job: out of memory|rank {rank} died"]
        if hangs:
            said += [rf"rank {r}: where its \d+ threads are" for r in range(2)] + [rf"rank {rank} was training, step \d+"]
        for words in said:
            need(re.search(words, output), f"nobody said '{words}': {output}")
        saved = job.checkpoints(run)
        job.run_to_end(options, work, run, settings={**settings, "train.collective_deadline_seconds": 300}, resume=True)
        job.expect_equal_runs(work / "undisturbed", run)
        return (f"rank {rank} {'hung' if hangs else 'ran out of memory'} at {point} of step {step}: ended {ended:.1f} s after step {step - 5}; "
                f"resumed from step {saved[-1] if saved else 0}, equal")

    job.main(trial, options, prepare)


if __name__ == "__main__":
    main()
