#!/usr/bin/env python3
"""Carries out docker/Dockerfile where there is no Docker engine: each stage in an overlay on a clean Debian root (made once by
`debootstrap --variant=minbase bookworm ROOT`, and left as it is), then runs the image's entry point as its user. Needs root; understands
FROM, COPY, RUN, WORKDIR, USER and ENTRYPOINT.   tests/package/dockerfile.py ROOT"""

import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(__file__).resolve().parents[2]


def sh(*command, **more):
    subprocess.run([str(word) for word in command], check=True, **more)


class Stage:
    """A root file system of its own."""

    def __init__(self, clean, folder):
        self.root, self.folder, self.user, self.entry = folder / "root", "/", "root", []
        for name in ("root", "upper", "scratch"):
            (folder / name).mkdir(parents=True)
        sh("mount", "-t", "overlay", "overlay", "-o", f"lowerdir={clean},upperdir={folder}/upper,workdir={folder}/scratch", self.root)
        sh("mount", "-t", "proc", "proc", self.root / "proc")
        shutil.copy("/etc/resolv.conf", self.root / "etc/resolv.conf")

    def close(self):
        sh("umount", "--recursive", "--lazy", self.root)  # what a failed RUN left may still run

    def run(self, command):
        environment = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LANG": "C.UTF-8"}
        sh("chroot", f"--userspec={self.user}", self.root, "sh", "-c", f"cd {self.folder} && {command}", env=environment)


def copy_sources(to):
    """What git knows of the tree, as .dockerignore has it."""
    to.mkdir(parents=True, exist_ok=True)
    names = subprocess.run(["git", "-C", str(SOURCE), "ls-files", "-co", "--exclude-standard", "-z"], check=True, stdout=subprocess.PIPE).stdout
    sh("tar", "-C", SOURCE, "--null", "-T", "-", "-cf", to / ".sources.tar", input=names)
    sh("tar", "-C", to, "-xf", to / ".sources.tar")
    (to / ".sources.tar").unlink()


def copy(stage, stages, words):
    if words[0].startswith("--from="):
        source = stages[words[0].removeprefix("--from=")].root
        for path in sorted(source.glob(words[1].lstrip("/"))):
            shutil.copy(path, stage.root / words[2].lstrip("/"))
    elif words[0] == ".":
        copy_sources(stage.root / words[1].lstrip("/"))
    else:
        to = stage.root / words[1].lstrip("/")
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(SOURCE / words[0], to)


def carry_out(clean, work, stages):
    stage = None
    for line in re.sub(r"\\\n", " ", (SOURCE / "docker/Dockerfile").read_text(encoding="utf-8")).splitlines():
        if not line or line.startswith("#"):
            continue
        print(f"== {line}", flush=True)
        name, rest = line.split(" ", 1)
        if name == "FROM":
            words = rest.split()
            stage = Stage(clean, work / str(len(stages)))
            stages[words[2] if len(words) > 2 else str(len(stages))] = stage
        elif name == "COPY":
            copy(stage, stages, shlex.split(rest))
        elif name == "RUN":
            stage.run(rest)
        elif name == "WORKDIR":
            stage.folder = rest
            (stage.root / rest.lstrip("/")).mkdir(parents=True, exist_ok=True)
        elif name == "USER":
            stage.user = rest
        elif name == "ENTRYPOINT":
            stage.entry = json.loads(rest)
        else:
            raise SystemExit(f"dockerfile: {name} is not understood")
    return stage


def main():
    if os.geteuid() != 0 or len(sys.argv) != 2:
        print("dockerfile: SKIPPED: needs root, and the path of a clean Debian root")
        sys.exit(77)
    stages = {}
    work = pathlib.Path(tempfile.mkdtemp(prefix="quadhop_image."))
    try:
        image = carry_out(pathlib.Path(sys.argv[1]).resolve(), work, stages)
        entry = " ".join(image.entry)
        for arguments in ("--version", "doctor", "launch local -n 2 -- doctor"):
            print(f"== {entry} {arguments}", flush=True)
            image.run(f"{entry} {arguments}")
        image.run('test "$(id -u)" -ne 0')
    finally:
        for stage in stages.values():
            stage.close()
        shutil.rmtree(work)
    print("dockerfile: built, and its program ran as its user")


if __name__ == "__main__":
    main()
