#!/usr/bin/env python3
"""Flips bits of real files, one at a time: every bit of a store's manifest, and of the manifest and the headers of a checkpoint,
and --count random bits of their data. `quadhop verify` must find each one and name the file. (A store's files are verified
by the same sidecars when a rank loads them.)"""

import os
import random
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import job

HEADER_BYTES = 128  # of a data file, besides its random bits
WORKERS = os.cpu_count() or 1


def main():
    options = job.parser(__doc__, 10000)
    options.add_argument("--every", type=int, default=1, help="of the bits of manifests and headers, take every so many-th")
    options = options.parse_args()
    rng = random.Random(options.seed)
    with job.workplace(options) as work:
        job.run_to_end(options, work, work / "run", settings={"train.epochs": 1})
        store, checkpoint = work / "graph.qh", job.newest(work / "run")
        whole = [store / "store.textproto", checkpoint / "checkpoint.textproto"]
        data = sorted(p for folder in (store, checkpoint) for p in folder.iterdir() if p.is_file() and p not in whole)
        bits = [(p, b) for p in whole for b in range(8 * p.stat().st_size)]
        bits += [(p, b) for p in data if p.parent == checkpoint for b in range(8 * min(HEADER_BYTES, p.stat().st_size))]
        bits = bits[::options.every]
        sizes = [p.stat().st_size for p in data]
        for path in rng.choices(data, sizes, k=options.count):
            bits.append((path, rng.randrange(8 * path.stat().st_size)))
        missed = check(options, work, bits)
    for line in missed[:20]:
        print(line)
    print(f"flip_bits: {len(bits) - len(missed)} of {len(bits)} flipped bits found ({sum(1 for p, _ in bits if p in whole)} of manifests)")
    sys.exit(1 if missed else 0)


def check(options, work, bits):
    """The bits that verify passed over. Each worker has a copy of all files, in which it flips a bit and flips it back."""
    copies = [work / f"copy{i}" for i in range(WORKERS)]
    for copy in copies:
        for folder in {path.parent for path, _ in bits}:
            shutil.copytree(folder, copy / folder.name)

    def flip(path, bit):
        with open(path, "r+b") as file:
            file.seek(bit // 8)
            byte = file.read(1)[0]
            file.seek(bit // 8)
            file.write(bytes([byte ^ 1 << bit % 8]))

    def one(worker, original, bit):
        path = copies[worker] / original.parent.name / original.name
        flip(path, bit)
        done = subprocess.run([options.quadhop, "verify", str(path.parent), "--threads", "1"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, errors="replace", check=False)
        flip(path, bit)
        name = path.name[:-5] if path.name.endswith(".xxh3") else path.name
        if done.returncode == 1 and name in done.stdout:
            return None
        return f"{path.name}, bit {bit}: exit code {done.returncode}: {done.stdout.strip()[:300]}"

    def share(worker):
        return [missed for path, bit in bits[worker::WORKERS] if (missed := one(worker, path, bit)) is not None]

    with ThreadPoolExecutor(WORKERS) as workers:
        return sum(workers.map(share, range(WORKERS)), [])


if __name__ == "__main__":
    main()
