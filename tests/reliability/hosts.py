"""Hosts on one machine: network namespaces joined by a bridge, each reached by mpirun through an agent. Needs root."""

import contextlib
import os
import subprocess
import tempfile


def ip(*arguments):
    subprocess.run(["ip", *arguments], check=True)


class Hosts:
    """Two hosts, of addresses 10.99.N.11 and .12; `with` removes them in any case."""

    def __init__(self, work):
        number = os.getpid() % 200 + 20
        self.net = f"10.99.{number}"
        self.bridge = f"qhb{number}"
        self.names = [f"qhh{number}-{i}" for i in (1, 2)]
        self.links = [f"qhv{number}-{i}" for i in (1, 2)]
        self.agent = work / "agent"

    def __enter__(self):
        try:
            ip("link", "add", self.bridge, "type", "bridge")
            ip("addr", "add", f"{self.net}.1/24", "dev", self.bridge)
            ip("link", "set", self.bridge, "up")
            for i, (name, link) in enumerate(zip(self.names, self.links), 1):
                ip("netns", "add", name)
                ip("link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", name)
                ip("link", "set", link, "master", self.bridge, "up")
                ip("-n", name, "addr", "add", f"{self.net}.1{i}/24", "dev", "eth0")
                ip("-n", name, "link", "set", "eth0", "up")
                ip("-n", name, "link", "set", "lo", "up")
        except BaseException:
            self.__exit__()
            raise
        # Called as: agent [options] host command... Hosts share /tmp here, so Open MPI's session folders need places of
        # their own; and they have names of their own.
        cases = "".join(f"  {self.net}.1{i}) name={name} ;;\n" for i, name in enumerate(self.names, 1))
        folder = self.agent.parent / "tmp"
        self.agent.write_text('#!/bin/bash\nwhile [[ $1 == -* ]]; do shift; done\ncase $1 in\n' + cases +
                              'esac\nshift\nexport TMPDIR="' + str(folder) + '-$name"\nmkdir -p "$TMPDIR"\nexec ip netns exec "$name" unshare --uts bash -c "hostname $name; $*"\n', encoding="utf-8")
        self.agent.chmod(0o755)
        return self

    def __exit__(self, *_):
        with contextlib.suppress(subprocess.CalledProcessError):
            # A deleted namespace takes its end of a link away some time later, and a deleted link is gone at once: hosts of the
            # same names may follow.
            for name, link in zip(self.names, self.links):
                subprocess.run(["ip", "link", "del", link], check=False, stderr=subprocess.DEVNULL)
                subprocess.run(["ip", "netns", "del", name], check=False, stderr=subprocess.DEVNULL)
            subprocess.run(["ip", "link", "del", self.bridge], check=False, stderr=subprocess.DEVNULL)

    def mpirun(self):
        """The command of one rank on each."""
        net = f"{self.net}.0/24"
        return ["mpirun", "--mca", "plm", "rsh", "--mca", "plm_rsh_agent", str(self.agent), "--mca", "oob_tcp_if_include", net, "--mca", "btl", "tcp,self",
                "--mca", "btl_tcp_if_include", net, "--mca", "rtc_hwloc_vmhole", "none", "--leave-session-attached", "--bind-to", "none", "-H", f"{self.net}.11:1,{self.net}.12:1"]

    def environment(self):
        """What `quadhop launch hosts` needs to reach them as mpirun() does."""
        return {"OMPI_MCA_plm": "rsh", "OMPI_MCA_plm_rsh_agent": str(self.agent), "OMPI_MCA_btl": "tcp,self",
                "OMPI_MCA_orte_leave_session_attached": "1"}

    @contextlib.contextmanager
    def hidden(self, host, folder):
        """Whatever is started on the host meanwhile sees an empty folder in its place (ip netns exec has mounts of its own)."""
        with tempfile.TemporaryDirectory() as empty:
            text = self.agent.read_text(encoding="utf-8")
            hiding = f'[ "$name" != {self.names[host]} ] || set -- "mount --bind {empty} {folder}; $*"\n'
            self.agent.write_text(text.replace("exec ip netns", hiding + "exec ip netns"), encoding="utf-8")
            try:
                yield
            finally:
                self.agent.write_text(text, encoding="utf-8")

    def link(self, host, state):
        """Cuts a host off ("down"), or joins it again ("up")."""
        ip("link", "set", self.links[host], state)
