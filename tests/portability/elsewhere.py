"""Another operating system, pretended: what rlbench sees of Python's standard library and of files there.

`python elsewhere.py win32 ARGUMENTS` runs the command line, `python elsewhere.py win32 -c CODE` a text. What the system
lacks is hidden from the modules of rlbench and baselines alone: other libraries are the ones that were built for Linux.
Files behave as there for everybody, in the working folder: on Windows an open file can be neither replaced nor removed,
a descriptor that only reads cannot be flushed, a folder cannot be opened, and names cannot hold some characters.
"""

import builtins
import ctypes
import errno
import io
import os
import select
import signal
import socket
import stat
import sys
import time
from pathlib import Path

OURS = ("rlbench", "baselines")
LINUX_ALONE = {
    os: """memfd_create pidfd_open sched_getaffinity sched_setaffinity sched_getparam O_TMPFILE O_PATH MFD_CLOEXEC
        MFD_ALLOW_SEALING eventfd setns unshare waitid copy_file_range splice getrandom posix_fadvise P_PIDFD""",
    signal: "sigtimedwait sigwaitinfo pidfd_send_signal SIGSTKFLT SIGPOLL SIGPWR SIGRTMIN SIGRTMAX",
    select: "epoll",
    time: "CLOCK_BOOTTIME",
    socket: "AF_NETLINK AF_PACKET AF_VSOCK SO_PEERCRED",
}
UNIX_ALONE = {
    os: """getuid geteuid getgid getegid getgroups getpgid getpgrp getsid setsid setpgid setuid setgid setreuid fork
        forkpty killpg nice uname wait wait3 wait4 WIFEXITED WEXITSTATUS WIFSIGNALED WTERMSIG WNOHANG WNOWAIT WEXITED
        P_PID CLD_EXITED posix_spawn posix_spawnp POSIX_SPAWN_OPEN POSIX_SPAWN_DUP2 POSIX_SPAWN_CLOSE register_at_fork
        chown fchown lchown fchmod chroot fchdir fdatasync mkfifo mknod openpty pipe2 pread pwrite preadv pwritev
        readv writev sendfile statvfs fstatvfs sync sysconf confstr O_NOFOLLOW O_NONBLOCK O_DIRECTORY O_CLOEXEC
        get_blocking set_blocking getloadavg ttyname tcgetpgrp getpriority setpriority""",
    signal: """SIGKILL SIGSTOP SIGCONT SIGHUP SIGQUIT SIGALRM SIGUSR1 SIGUSR2 SIGPIPE SIGCHLD SIGTSTP SIGXFSZ SIGXCPU
        SIGWINCH alarm setitimer getitimer pause pthread_sigmask pthread_kill sigpending sigwait siginterrupt
        SIG_BLOCK SIG_SETMASK SIG_UNBLOCK set_wakeup""",
    select: "poll POLLIN POLLOUT POLLHUP POLLERR",
    socket: "AF_UNIX socketpair",
    time: "clock_gettime clock_getres CLOCK_MONOTONIC CLOCK_REALTIME CLOCK_PROCESS_CPUTIME_ID pthread_getcpuclockid",
}
UNIX_MODULES = {"fcntl", "resource", "pwd", "grp", "termios", "tty", "pty", "syslog", "posix", "curses"}
VALUES = {
    "win32": {sys: {"platform": "win32"}, os: {"name": "nt"}},
    "darwin": {sys: {"platform": "darwin"}, os: {}},
}
RESERVED = set('<>:"|?*')
SHARING_VIOLATION = "the process cannot access the file because it is being used by another process"


def is_ours(frame):
    """Whether the code of a frame is that of a package whose surroundings are pretended."""
    return frame.f_globals.get("__name__", "").split(".")[0] in OURS


def pretend_module(module, hidden, values):
    """Hide names of a module, and give others another value, where our packages look."""

    class Elsewhere(type(module)):
        def __getattribute__(self, name):
            if name in hidden and is_ours(sys._getframe(1)):
                raise AttributeError(f"module {module.__name__!r} has no attribute {name!r} here")
            if name in values and is_ours(sys._getframe(1)):
                return values[name]
            return super().__getattribute__(name)

    module.__class__ = Elsewhere


def pretend_modules(platform):
    """Hide what the platform lacks."""
    lacking = [LINUX_ALONE] + ([UNIX_ALONE] if platform == "win32" else [])
    for module in {*LINUX_ALONE, *UNIX_ALONE, sys}:
        hidden = {name for each in lacking for name in each.get(module, "").split()}
        pretend_module(module, hidden, VALUES[platform].get(module, {}))
    if platform == "win32":
        pretend_imports()
        pretend_libraries()


def pretend_imports():
    """Modules of Unix cannot be imported by our packages."""
    real = builtins.__import__

    def pretended(name, globals=None, locals=None, fromlist=(), level=0):
        if name.split(".")[0] in UNIX_MODULES and is_ours(sys._getframe(1)):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return real(name, globals, locals, fromlist, level)

    builtins.__import__ = pretended


def pretend_libraries():
    """The program itself is no library: ctypes.CDLL(None) is an error."""
    real = ctypes.CDLL.__init__

    def pretended(self, name, *arguments, **others):
        if name is None and is_ours(sys._getframe(1)):
            raise TypeError("LoadLibrary() argument 1 must be str, not None")
        real(self, name, *arguments, **others)

    ctypes.CDLL.__init__ = pretended


def in_use(path):
    """Whether this process has a file open, or mapped into its memory."""
    path = os.path.realpath(path)
    if not os.path.isfile(path):
        return False
    if any(os.path.realpath(each) == path for each in Path("/proc/self/fd").iterdir()):
        return True
    return any(line.rstrip("\n").endswith(path) for line in Path("/proc/self/maps").read_text("utf-8").splitlines())


def is_near(path):
    """Whether a path is in the working folder."""
    return isinstance(path, str | os.PathLike) and f"{os.path.abspath(path)}/".startswith(f"{HOME}/")


def pretend_files():
    """Files of the working folder behave as on Windows."""

    def checked(real, *which):
        def pretended(*arguments, **others):
            for path in (arguments[i] for i in which):
                if is_near(path) and in_use(path):
                    raise PermissionError(errno.EACCES, SHARING_VIOLATION, str(path))
            return real(*arguments, **others)

        return pretended

    def named(real):
        def pretended(path, *arguments, **others):
            if is_near(path) and RESERVED & set(os.path.relpath(path, HOME)):
                raise OSError(errno.EINVAL, "the filename, directory name, or volume label syntax is incorrect", path)
            return real(path, *arguments, **others)

        return pretended

    os.replace, os.rename = checked(os.replace, 0, 1), checked(os.rename, 0, 1)
    os.unlink = os.remove = checked(os.unlink, 0)
    os.mkdir, builtins.open = named(os.mkdir), named(builtins.open)
    io.open = builtins.open
    os.open, os.fsync = no_folders(named(os.open)), only_written(os.fsync)


def no_folders(real):
    """`os.open`, which opens no folders for our packages."""

    def pretended(path, *arguments, **others):
        if is_ours(sys._getframe(1)) and os.path.isdir(path):
            raise PermissionError(errno.EACCES, "permission denied", str(path))
        return real(path, *arguments, **others)

    return pretended


def only_written(real):
    """`os.fsync`, which flushes only what can be written."""
    import fcntl

    def pretended(descriptor):
        number = descriptor if isinstance(descriptor, int) else descriptor.fileno()
        if stat.S_ISREG(os.fstat(number).st_mode) and fcntl.fcntl(number, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
            raise OSError(errno.EBADF, "bad file descriptor")
        return real(descriptor)

    return pretended


def main(platform, *arguments):
    """Pretend a platform, then run code or the command line."""
    pretend_modules(platform)
    if platform == "win32":
        pretend_files()
    if arguments[0] == "-c":
        exec(compile(arguments[1], "<code>", "exec"), {"__name__": "__main__"})
        return 0
    from rlbench.cli import main as command_line

    return command_line(list(arguments))


HOME = os.path.realpath(os.getcwd())

if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
