"""The fork server: a small process that has everything imported and becomes a worker by fork, in about a
millisecond.

It is started by exec, so it holds nothing of the supervisor but its control socket. When that ends, or when
the supervisor dies, it dies, and its workers with it. It watches its children through pidfds, so no signal
handler and no thread exist, and it reports every exit with what the kernel counted.
"""

import contextlib
import errno
import fcntl
import gc
import os
import resource
import select
import signal
import socket
import sys
from typing import NoReturn

from scriptorium_runner.engine import protocol
from scriptorium_runner.engine.inside import build, code_memory, worker, worlds
from scriptorium_runner.engine.inside.interrupt import Deadline
from scriptorium_runner.engine.inside.log_pipe import LogPipe
from scriptorium_runner.engine.inside.worlds import World, Worlds
from scriptorium_runner.engine.protocol import Readiness
from scriptorium_runner.engine.seal import environment, rehearsal, sealing
from scriptorium_runner.engine.seal.layers import Seal
from scriptorium_runner.engine.seal.sealing import Plan

#: The supervisor speaks for all runs and ends those that are late: for a processor it comes before them.
_NICENESS = 10


class Zygote:
    """What a fork needs, and the children that are alive: pidfd -> (number, pid)."""

    def __init__(self, control: socket.socket, plan: Plan) -> None:
        self._control = control
        self._plan = plan
        self._deadline = Deadline()
        self._deadline.self_test()
        self._prelude = worlds.compile_prelude()
        self._worlds = Worlds(self._prelude, self._deadline)
        self._warm()
        code_memory.make_final()
        self._children: dict[int, tuple[int, int]] = {}
        self._poll = select.poll()
        self._poll.register(control, select.POLLIN)

    def serve(self) -> None:
        """Fork and report until the supervisor is gone."""
        gc.collect()
        gc.freeze()  # A collection in a worker would otherwise write to, and so copy, every page it shares.
        self._control.send(protocol.encode_readiness(self._readiness()))
        while True:
            for descriptor, _ in self._poll.poll():
                if descriptor in self._children:
                    self._report_exit(descriptor)
                elif not self._fork():
                    return

    def _readiness(self) -> Readiness:
        plan = self._plan
        return Readiness(
            flaws=plan.flaws,
            landlock_version=plan.landlock_version,
            address_space=read_address_space(),
            build=build.read_build(),
            has_bytecode=self._prelude.core.code is not None,
            has_snapshot=self._worlds.are_kept,
        )

    def _warm(self) -> None:
        """Touch the pages that a first context touches; no script ever runs in this one (its random seed is
        shared)."""
        if not self._worlds.are_kept:
            World(self._prelude, self._deadline, offset=0.0).close()

    def _fork(self) -> bool:
        message, descriptors, _, _ = socket.recv_fds(self._control, protocol.FORK.size, 3)
        if not message:
            return False
        _, number = protocol.FORK.unpack(message)
        try:
            self._make_worker(number, descriptors)
        except OSError as error:
            # Too many processes, no memory, no descriptor: the workers that run know nothing of it.
            self._control.send(protocol.NOT_FORKED.pack(b"N", number, error.errno or 0))
        return True

    def _make_worker(self, number: int, descriptors: list[int]) -> None:
        try:
            pid = self._fork_worker(descriptors)
        finally:
            for descriptor in descriptors:
                os.close(descriptor)
        try:
            self._announce(number, pid)
        except OSError:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            raise

    def _fork_worker(self, descriptors: list[int]) -> int:
        if len(descriptors) < 3:
            raise OSError(errno.EMFILE, "the kernel leaves out what has no room")
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            self._become_worker(parent, descriptors)
        return pid

    def _announce(self, number: int, pid: int) -> None:
        pidfd = os.pidfd_open(pid)
        try:
            socket.send_fds(self._control, [protocol.FORKED.pack(b"F", number, pid)], [pidfd])
        except OSError:
            os.close(pidfd)
            raise
        self._children[pidfd] = (number, pid)
        self._poll.register(pidfd, select.POLLIN)

    def _become_worker(self, parent: int, descriptors: list[int]) -> NoReturn:
        try:
            sealing.die_with(parent)
            os.nice(_NICENESS)
            channel, read_end, write_end = keep_only(descriptors)
            worker.serve(
                socket.socket(fileno=channel),
                LogPipe(read_end, write_end),
                worker.Inheritance(self._worlds, self._deadline, self._plan),
            )
        finally:
            os._exit(70)  # Whatever happened, a worker never goes back into the zygote's loop.

    def _report_exit(self, pidfd: int) -> None:
        number, pid = self._children.pop(pidfd)
        self._poll.unregister(pidfd)
        os.close(pidfd)
        _, status, usage = os.wait4(pid, 0)
        cpu = usage.ru_utime + usage.ru_stime
        self._control.send(protocol.EXITED.pack(b"X", number, status, cpu, usage.ru_maxrss))


def keep_only(descriptors: list[int]) -> range:
    """Close every descriptor but these, which become 3, 4, 5; the standard three lead nowhere."""
    high = [fcntl.fcntl(descriptor, fcntl.F_DUPFD, 16) for descriptor in descriptors]
    for index, descriptor in enumerate(high):
        os.dup2(descriptor, 3 + index)
    null = os.open(os.devnull, os.O_RDWR)
    for standard in range(3):
        os.dup2(null, standard)
    os.closerange(3 + len(descriptors), os.sysconf("SC_OPEN_MAX"))
    return range(3, 3 + len(descriptors))


def read_address_space() -> int:
    """Give the bytes of address space that this process has, and a fork begins with."""
    with open("/proc/self/statm", encoding="ascii") as statm:
        return int(statm.read().split()[0]) * resource.getpagesize()


def main() -> None:
    """Serve on the control socket that the supervisor left open."""
    sealing.die_with(os.getppid())
    environment.wipe()
    # The supervisor can go at any moment, also in the middle of a message.
    with contextlib.suppress(ConnectionError), socket.socket(fileno=int(sys.argv[1])) as control:
        plan = rehearsal.rehearse(sealing.prepare(Seal(sys.argv[2])))
        Zygote(control, plan).serve()


if __name__ == "__main__":
    main()
