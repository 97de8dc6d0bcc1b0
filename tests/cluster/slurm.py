"""A Slurm of two nodes on this machine: munged, slurmctld and two slurmd of Debian's slurm-wlm and munge, in a folder of its own. Needs
root."""

import contextlib
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "scontrol", "srun")


def why_not():
    """Why there can be no Slurm here; "" if there can."""
    if os.geteuid() != 0:
        return "needs root"
    missing = [name for name in PROGRAMS if shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin") is None]
    return f"needs {', '.join(missing)} (packages slurm-wlm and munge)" if missing else ""


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


CONFIG = """ClusterName=quadhop
SlurmctldHost={host}(127.0.0.1)
AuthType=auth/munge
AuthInfo=socket={work}/munge/socket
CryptoType=crypto/munge
SlurmUser=root
SlurmctldPort={ports[0]}
StateSaveLocation={work}/state
SlurmdSpoolDir={work}/spool-%n
SlurmctldPidFile={work}/slurmctld.pid
SlurmdPidFile={work}/slurmd-%n.pid
SlurmctldLogFile={work}/slurmctld.log
SlurmdLogFile={work}/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
DefMemPerNode=500
SchedulerParameters=batch_sched_delay=1,bf_interval=5
ReturnToService=2
MpiDefault=none
TmpFS={tmp}
JobAcctGatherType=jobacct_gather/none
KillWait=20
NodeName=n1 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[1]} CPUs=2 RealMemory=2000
NodeName=n2 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[2]} CPUs=2 RealMemory=2000
PartitionName=debug Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


class Slurm:
    """`with` starts the daemons, and ends them in any case. Jobs of it run as root."""

    def __init__(self, work, pmix):
        """pmix: whether its PMIx works. It does not where the slurmd of a host share a TmpFS, as two nodes on one machine do."""
        self.pmix = pmix
        self.work = pathlib.Path(work) / "slurm"
        self.daemons = []

    def environment(self):
        return dict(os.environ, SLURM_CONF=str(self.work / "slurm.conf"), PATH=os.environ["PATH"] + ":/usr/sbin")

    def __enter__(self):
        host = socket.gethostname().split(".")[0]
        for folder in (self.work, self.work / "state", self.work / "munge", self.work / "tmp-n1", self.work / "tmp-n2"):
            folder.mkdir(mode=0o755)
        self.work.chmod(0o755)
        self.work.parent.chmod(0o755)  # munge and jobs go through it
        (self.work / "slurm.conf").write_text(CONFIG.format(work=self.work, host=host, ports=free_ports(3), tmp=self.work / ("tmp-%n" if self.pmix else "tmp-n1")), encoding="utf-8")
        munge = self.work / "munge"
        (munge / "key").write_bytes(os.urandom(128))
        (munge / "key").chmod(0o600)
        try:
            self.start("munged", "--foreground", f"--key-file={munge}/key", f"--socket={munge}/socket", f"--pid-file={munge}/pid",
                       f"--log-file={munge}/log", f"--seed-file={munge}/seed", "--force")
            self.wait_for(lambda: (munge / "socket").exists(), 20, "munged's socket")
            self.start("slurmctld", "-D", "-f", str(self.work / "slurm.conf"))
            for node in ("n1", "n2"):
                self.start("slurmd", "-D", "-f", str(self.work / "slurm.conf"), "-N", node)
            self.wait_for(lambda: self.run("sinfo", "-h", "-o", "%T %D", check=False) == "idle 2", 60, "two idle nodes")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.daemons:
            subprocess.run(["scancel", "--full", "--user=root"], env=self.environment(), check=False, capture_output=True)
            time.sleep(1)
        for daemon in reversed(self.daemons):
            daemon.send_signal(signal.SIGTERM)
        for daemon in self.daemons:
            with contextlib.suppress(subprocess.TimeoutExpired):
                daemon.wait(15)
            daemon.kill()
            daemon.wait()

    def start(self, *command):
        log = open(self.work / f"{command[0]}-{len(self.daemons)}.out", "w", encoding="utf-8")  # pylint: disable=consider-using-with
        self.daemons.append(subprocess.Popen(command, env=self.environment(), stdout=log, stderr=log, start_new_session=True))

    def wait_for(self, condition, seconds, what):
        end = time.monotonic() + seconds
        while not condition():
            dead = [d.args[0] for d in self.daemons if d.poll() is not None]
            if dead or time.monotonic() > end:
                logs = "\n".join(f"{p.name}: {p.read_text(errors='replace')[-1500:]}" for p in sorted(self.work.glob("*.[lo][ou][gt]")))
                raise RuntimeError(f"no {what} within {seconds} s; ended: {dead}\n{logs}")
            time.sleep(0.2)

    def run(self, *command, check=True):
        """What a command of Slurm says on stdout."""
        done = subprocess.run(command, env=self.environment(), capture_output=True, text=True, check=False)
        if check and done.returncode != 0:
            raise RuntimeError(f"{command} ended with {done.returncode}: {done.stderr}")
        return done.stdout.strip()

    def job(self, number):
        """Fields of a job as scontrol shows them: {"JobState": "RUNNING", ...}."""
        return dict(field.split("=", 1) for field in self.run("scontrol", "-o", "show", "job", str(number)).split() if "=" in field)

    def log(self):
        """The end of slurmctld's."""
        return (self.work / "slurmctld.log").read_text(encoding="utf-8", errors="replace")[-3000:]
