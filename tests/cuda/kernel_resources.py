#!/usr/bin/env python3
"""Registers, stack, spills and static shared memory of every kernel, as ptxas reports them.

    tests/cuda/kernel_resources.py [--build build/cuda] [--jobs 2] [--markdown]

Compiles each .cu file again with the command of the build folder (cmake --preset cuda) and ptxas's report; no GPU is
needed. Ends with 1 if a kernel of token attention keeps registers in memory (spills, or a stack frame); if ptxas says,
in a note alone, that it serialises wgmma; or if a kernel has a trap: nvcc puts one, without a word, where device code
takes the address of a constant of the host.
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

# Files whose kernels are the time of a step: there, a spill is an error.
MUST_NOT_SPILL = "token_attention"
FIELDS = ("registers", "stack", "spill stores", "spill loads", "shared")


def cuda_commands(build):
    commands = json.loads((build / "compile_commands.json").read_text())
    return {c["file"]: c for c in commands if c["file"].endswith(".cu")}


def ptxas_report(command):
    arguments = shlex.split(command["command"])
    while os.path.basename(arguments[0]) != "nvcc":  # ccache would answer from its cache
        arguments.pop(0)
    with tempfile.TemporaryDirectory() as folder:
        arguments[arguments.index("-o") + 1] = os.path.join(folder, "object.o")
        arguments += ["-Xptxas=-v", "--keep", f"--keep-dir={folder}"]
        done = subprocess.run(arguments, cwd=command["directory"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode != 0:
            sys.exit(f"{command['file']} does not compile:\n{done.stdout}")
        if "serialized" in done.stdout:
            sys.exit(f"{command['file']}: ptxas waits for each wgmma before the next:\n{done.stdout}")
        for ptx in pathlib.Path(folder).glob("*.ptx"):
            if re.search(r"^\s*trap;", ptx.read_text(), re.MULTILINE):
                sys.exit(f"{command['file']} has a trap: a kernel takes the address of a constant of the host")
    return done.stdout


def kernels(file, report):
    """(file, mangled name, architecture) -> the figures of FIELDS."""
    found, key = {}, None
    for line in report.splitlines():
        if entry := re.search(r"Compiling entry function '(\S+)' for '(\w+)'", line):
            key = (file, entry.group(1), entry.group(2).removesuffix("a"))  # sm_90a: of Hopper alone, in the column of sm_90
            found[key] = dict.fromkeys(FIELDS, 0)
        elif key and (frame := re.search(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads", line)):
            found[key].update(zip(FIELDS[1:4], map(int, frame.groups())))
        elif key and (used := re.search(r"Used (\d+) registers", line)):
            found[key]["registers"] = int(used.group(1))
            shared = re.search(r"(\d+) bytes smem", line)
            found[key]["shared"] = int(shared.group(1)) if shared else 0
            key = None
    return found


def short_names(mangled):
    """The name and template arguments, without namespaces and parameters."""
    plain = subprocess.run(["c++filt"], input="\n".join(mangled), stdout=subprocess.PIPE, text=True, check=True).stdout
    names = {}
    for name, demangled in zip(mangled, plain.splitlines()):
        demangled = re.sub(r"\(anonymous namespace\)::|quadhop::|cuda::|\((int|bool)\)", "", demangled)
        names[name] = re.sub(r"^void ", "", demangled).split("(")[0]
    return names


def print_table(rows):
    head = ["file", "kernel", "for", *FIELDS]
    widths = [max(len(row[i]) for row in rows) for i in range(2)]
    for row in [head, *rows]:
        print(f"{row[0]:<{widths[0]}} {row[1]:<{widths[1]}} {row[2]:<6}" + "".join(f"{value:>14}" for value in row[3:]))


def print_markdown(rows):
    """A row a kernel, the figures of the architectures side by side."""
    archs = sorted({row[2] for row in rows})
    merged = {}
    for file, kernel, arch, registers, stack, stores, loads, _ in rows:
        merged.setdefault((file, kernel), {})[arch] = (registers, stack + stores + loads)
    print("| file | kernel | " + " | ".join(f"registers, {arch}" for arch in archs) + " | bytes of stack and spills |")
    print("| --- | --- |" + " ---: |" * (len(archs) + 1))
    for (file, kernel), figures in merged.items():
        registers = " | ".join(str(figures[arch][0]) if arch in figures else "-" for arch in archs)
        print(f"| {file} | `{kernel}` | {registers} | {max(figure[1] for figure in figures.values())} |")
    print()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=pathlib.Path("build/cuda"))
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--markdown", action="store_true", help="a table for docs/performance.md")
    args = parser.parse_args()
    commands = cuda_commands(args.build)
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        reports = dict(zip(commands, pool.map(ptxas_report, commands.values())))
    figures = {}
    for file, report in reports.items():
        figures.update(kernels(pathlib.Path(file).stem, report))
    if not any(file.startswith(MUST_NOT_SPILL) for file, _, _ in figures):
        sys.exit(f"{args.build} has no kernel of token attention: configure it with cmake --preset cuda")
    names = short_names(sorted({mangled for _, mangled, _ in figures}))
    rows = sorted((file, names[mangled], arch, *figure.values()) for (file, mangled, arch), figure in figures.items())
    (print_markdown if args.markdown else print_table)(rows)
    spilling = [row for row in rows if row[0].startswith(MUST_NOT_SPILL) and any(row[4:7])]
    for row in spilling:
        print(f"{row[1]} of {row[0]}.cu for {row[2]} keeps registers in memory: {row[4]} bytes of stack", file=sys.stderr)
    print(f"{len(names)} kernels; registers in memory in {sum(any(row[4:7]) for row in rows)} of {len(rows)} rows.")
    return 1 if spilling else 0


if __name__ == "__main__":
    sys.exit(main())
