#!/usr/bin/env python3
"""Importing a graph from two csv tables, by names, beside the same graph by numbers and .npy, and beside what one writes in Python for it:
csv, a dictionary and numpy. Prints seconds, in turns.

  tests/bench/import_tables.py --quadhop build/release/quadhop --nodes 2000000 --arcs 20000000
"""

import argparse
import csv
import pathlib
import subprocess
import tempfile
import time

import numpy as np


def write(folder, nodes, arcs, features):
    draw = np.random.default_rng(0)
    x = draw.random((nodes, features)).astype(np.float32).round(4)
    y = draw.integers(0, 10, nodes)
    ends = draw.integers(0, nodes, (arcs, 2))
    np.save(folder / "x.npy", x)
    np.save(folder / "y.npy", y)
    with open(folder / "nodes.csv", "w", encoding="ascii") as out:
        out.write("id," + ",".join(f"x{i}" for i in range(features)) + ",label\n")
        for node, row in enumerate(x):
            out.write(f"user_{node:09d}," + ",".join(map(str, row)) + f",class {y[node]}\n")
    with open(folder / "edges.csv", "w", encoding="ascii") as out:
        out.write("src,dst\n")
        out.writelines(f"user_{a:09d},user_{b:09d}\n" for a, b in ends.tolist())
    with open(folder / "numbers.csv", "w", encoding="ascii") as out:
        out.writelines(f"{a},{b}\n" for a, b in ends.tolist())


def in_python(folder):
    names, x, y = {}, [], []
    with open(folder / "nodes.csv", encoding="ascii") as table:
        rows = csv.reader(table)
        next(rows)
        for row in rows:
            names[row[0]] = len(names)
            x.append(np.array(row[1:-1], dtype=np.float32))
            y.append(row[-1])
    with open(folder / "edges.csv", encoding="ascii") as table:
        rows = csv.reader(table)
        next(rows)
        arcs = np.array([(names[a], names[b]) for a, b in rows], dtype=np.int64)
    return np.stack(x), y, arcs


def seconds(work):
    begin = time.monotonic()
    work()
    return time.monotonic() - begin


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quadhop", default="build/release/quadhop")
    parser.add_argument("--nodes", type=int, default=2_000_000)
    parser.add_argument("--arcs", type=int, default=20_000_000)
    parser.add_argument("--features", type=int, default=16)
    parser.add_argument("--turns", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        write(folder, options.nodes, options.arcs, options.features)

        def imported(store, *flags):
            subprocess.run([options.quadhop, "import", "--store", folder / store, *flags], check=True, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)

        ways = {
            "two tables, by names": lambda: imported("named.qh", "--from", folder / "edges.csv", "--nodes", folder / "nodes.csv"),
            "numbers, and .npy": lambda: imported("numbers.qh", "--from", folder / "numbers.csv", "--features", folder / "x.npy",
                                                  "--labels", folder / "y.npy"),
            "Python: csv, a dictionary, numpy": lambda: in_python(folder),
        }
        taken = {way: [] for way in ways}
        for _ in range(options.turns):
            for way, work in ways.items():
                taken[way].append(seconds(work))
        for way, times in taken.items():
            print(f"{way:34s}" + "".join(f"{t:8.1f}" for t in times) + "  s")
        for array in ("indptr.npy", "indices.npy", "raw.npy", "labels.npy"):
            same = (folder / "named.qh" / array).read_bytes() == (folder / "numbers.qh" / array).read_bytes()
            print(f"{array}: {'the same bytes' if same else 'DIFFERS'}")


if __name__ == "__main__":
    main()
