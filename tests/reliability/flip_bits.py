#!/usr/bin/env python3
"""Flips bits of real files, one at a time: every bit of a store's manifest, of a checkpoint's manifest and of the headers of its
files, and --count random bits of all data. What verifies (quadhop_flip_bits, as `quadhop verify` does; every 100th bit by the
program itself) must find each one and name the file. A rank checks what it loads against the same checksums."""

import os
import random
import shutil
import struct
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import job

SMALL_GRAPH = job.ROOT / ".." / "shared" / "data" / "tolokers"  # 7 MB as a store
NPY_HEADER_BYTES = 128
BY_PROGRAM = 100  # of so many bits one is verified by the program too
WORKERS = os.cpu_count() or 1


def main():
    options = job.parser(__doc__, 10000)
    options.add_argument("--every", type=int, default=1, help="of the bits of manifests and headers, take every so many-th")
    options.add_argument("--flipper", default=str(job.ROOT / "build/release/tests/reliability/quadhop_flip_bits"))
    options = options.parse_args()
    options.graph = options.graph or (SMALL_GRAPH if SMALL_GRAPH.is_dir() else None)
    rng = random.Random(options.seed)
    with job.workplace(options) as work:
        job.run_to_end(options, work, work / "run", settings={"train.epochs": 1})
        store, checkpoint = work / "graph.qh", job.newest(work / "run")
        data = sorted(p for folder in (store, checkpoint) for p in folder.iterdir() if p.is_file())
        manifests = [p for p in data if p.suffix == ".textproto"]
        bits = [(p, b) for p in manifests for b in range(8 * p.stat().st_size)]
        bits += [(p, b) for p in data if p.parent == checkpoint and p not in manifests for b in range(8 * header_bytes(p))]
        bits = bits[::options.every]
        exhaustive = len(bits)
        for path in rng.choices(data, [p.stat().st_size for p in data], k=options.count):
            bits.append((path, rng.randrange(8 * path.stat().st_size)))
        missed = check(options, work, bits) + check_by_program(options, bits[::BY_PROGRAM])
    for line in missed[:20]:
        print(line)
    in_manifests = sum(1 for p, _ in bits if p in manifests)
    print(f"flip_bits: {len(bits) - len(missed)} of {len(bits)} flipped bits found ({in_manifests} of manifests, "
          f"{exhaustive - in_manifests} of headers, {options.count} at random; {len(bits[::BY_PROGRAM])} by the program too)")
    sys.exit(1 if missed else 0)


def header_bytes(path):
    """Of a .safetensors file all up to its data, as its first number says."""
    if path.suffix == ".safetensors":
        with open(path, "rb") as file:
            return 8 + struct.unpack("<Q", file.read(8))[0]
    return min(NPY_HEADER_BYTES, path.stat().st_size)


def check(options, work, bits):
    """A line for each bit that was passed over. Each worker has a copy of a folder, in which it flips a bit and flips it back."""
    def share(folder, worker):
        copy = work / f"copy{worker}" / folder.name
        shutil.copytree(folder, copy)
        lines = "".join(f"{path.name} {bit}\n" for path, bit in bits[worker::WORKERS] if path.parent == folder)
        done = subprocess.run([options.flipper, str(copy)], input=lines, capture_output=True, text=True, errors="replace",
                              check=False)
        job.need(done.returncode == 0, f"{options.flipper} ended with {done.returncode}: {done.stderr[-1000:]}")
        return done.stdout.splitlines()

    folders = sorted({path.parent for path, _ in bits})
    with ThreadPoolExecutor(WORKERS) as workers:
        shares = [workers.submit(share, folder, worker) for folder in folders for worker in range(WORKERS)]
        return sum((share.result() for share in shares), [])


def check_by_program(options, bits):
    missed = []
    for path, bit in bits:
        whole = path.read_bytes()
        flipped = bytearray(whole)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        done = subprocess.run([options.quadhop, "verify", str(path.parent), "--threads", "1"], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
        path.write_bytes(whole)
        if done.returncode != 1 or path.name.removesuffix(".xxh3") not in done.stdout:
            missed.append(f"{path.name}, bit {bit}: exit code {done.returncode}: {done.stdout.strip()[:300]}")
    return missed


if __name__ == "__main__":
    main()
