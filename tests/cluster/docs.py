#!/usr/bin/env python3
"""Runs every command of docs/cluster.md, and of the README's section on clusters with the store that the README makes, in a folder that
has what they name: a graph in OGB's layout, a hostfile of this machine. `quadhop` there is the program with settings that make a training
short; sbatch only says yes."""

import os
import pathlib
import re
import stat
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "reliability"))
import job  # pylint: disable=wrong-import-position

SHORT = "--set train.epochs=1 --set model.width=16 --set model.centroids=32 --set sampler.sampled_nodes=8"
WRAPPER = f"""#!/bin/bash
case " $* " in
  *" train "*) exec PROGRAM "$@" {SHORT} ;;
esac
exec PROGRAM "$@"
"""


def commands(path, heading=""):
    """Indented lines that start with quadhop, cat or launch/, below a heading if one is named."""
    text = path.read_text(encoding="utf-8")
    if heading:
        text = re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", text, re.S | re.M).group(1)
    return re.findall(r"^    ((?:build/release/)?(?:quadhop|cat|launch)\b.*)$", text.replace("\\\n", " "), re.M)


def script(path, text):
    path.write_text(text, encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def main():
    options = job.parser(__doc__, 1).parse_args()
    readme = job.ROOT / "README.md"
    store = [line.removeprefix("build/release/") for line in commands(readme, "Your own graph") if " prep " in line]
    failed, lines = 0, commands(job.ROOT / "docs/cluster.md") + store + commands(readme, "On a cluster")
    with tempfile.TemporaryDirectory() as name:
        work = pathlib.Path(name)
        (work / "bin").mkdir()
        script(work / "bin/quadhop", WRAPPER.replace("PROGRAM", options.quadhop))
        script(work / "bin/sbatch", "#!/bin/bash\nbash -n \"$1\" && echo Submitted batch job 1\n")
        (work / "hosts").write_text("localhost slots=2\n", encoding="utf-8")
        subprocess.run([options.quadhop, "synth", "--nodes", "4000", "--degree", "8", "--features", "8", "--classes", "5", "--out",
                        str(work / "dataset/ogbn_products")], check=True, stdout=subprocess.DEVNULL)
        environment = dict(job.environment(), PATH=f"{work}/bin:{os.environ['PATH']}")
        for line in lines:
            done = subprocess.run(["bash", "-c", line], cwd=work, env=environment, capture_output=True, text=True, check=False)
            print(f"{done.returncode}  {line}", flush=True)
            if done.returncode != 0:
                failed += 1
                print(done.stdout + done.stderr)
    print(f"docs: {len(lines) - failed} of {len(lines)} commands as they must be")
    sys.exit(1 if failed or not lines else 0)


if __name__ == "__main__":
    main()
