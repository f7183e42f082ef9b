"""System calls by name: their numbers, and how to make one that Python and the C library have no function for.

Numbers are the kernel's, from arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h.
"""

from __future__ import annotations

import ctypes
import os
import platform

NEWEST = 450
"""The newest call below is older than this one (`set_mempolicy_home_node`, Linux 5.17); since 424 all machines share
their numbers."""

X86_64, AARCH64 = "x86_64", "aarch64"
MACHINES = (X86_64, AARCH64)

_TABLE = """
accept 43 202                       accept4 288 242                     acct 163 89
add_key 248 217                     adjtimex 159 171                    bind 49 200
bpf 321 280                         capset 126 91                       chmod 90 -
chown 92 -                          chroot 161 51                       clock_adjtime 305 266
clock_settime 227 112               clone 56 220                        clone3 435 435
close_range 436 436                 connect 42 203                      delete_module 176 106
execve 59 221                       execveat 322 281                    fanotify_init 300 262
fchmod 91 52                        fchmodat 268 53                     fchown 93 55
fchownat 260 54                     fcntl 72 25                         finit_module 313 273
fork 57 -                           fremovexattr 199 16                 fsconfig 431 431
fsetxattr 190 7                     fsmount 432 432                     fsopen 430 430
fspick 433 433                      futimesat 261 -                     get_robust_list 274 100
init_module 175 105                 inotify_init 253 -                  inotify_init1 294 26
io_uring_enter 426 426              io_uring_register 427 427           io_uring_setup 425 425
ioctl 16 29                         ioperm 173 -                        iopl 172 -
ioprio_set 251 30                   kcmp 312 272                        kexec_file_load 320 294
kexec_load 246 104                  keyctl 250 219                      kill 62 129
landlock_add_rule 445 445           landlock_create_ruleset 444 444     landlock_restrict_self 446 446
lchown 94 -                         listen 50 201                       lremovexattr 198 15
lsetxattr 189 6                     memfd_create 319 279                memfd_secret 447 447
migrate_pages 256 238               mknod 133 -                         mknodat 259 33
mmap 9 222                          modify_ldt 154 -                    mount 165 40
mount_setattr 442 442               move_mount 429 429                  move_pages 279 239
mq_open 240 180                     mq_unlink 241 181                   msgctl 71 187
msgget 68 186                       msgrcv 70 188                       msgsnd 69 189
name_to_handle_at 303 264           open_by_handle_at 304 265           open_tree 428 428
perf_event_open 298 241             personality 135 92                  pidfd_getfd 438 438
pidfd_open 434 434                  pidfd_send_signal 424 424           pivot_root 155 41
prctl 157 167                       prlimit64 302 261                   process_madvise 440 440
process_mrelease 448 448            process_vm_readv 310 270            process_vm_writev 311 271
ptrace 101 117                      quotactl 179 60                     quotactl_fd 443 443
reboot 169 142                      remap_file_pages 216 234            removexattr 197 14
request_key 249 218                 rt_sigqueueinfo 129 138             rt_tgsigqueueinfo 297 240
sched_setaffinity 203 122           sched_setattr 314 274               sched_setparam 142 118
sched_setscheduler 144 119          seccomp 317 277                     semctl 66 191
semget 64 190                       semop 65 193                        semtimedop 220 192
sendmmsg 307 269                    sendmsg 46 211                      setdomainname 171 162
setfsgid 123 152                    setfsuid 122 151                    setgid 106 144
setgroups 116 159                   sethostname 170 161                 setns 308 268
setpgid 109 154                     setpriority 141 140                 setregid 114 143
setresgid 119 149                   setresuid 117 147                   setreuid 113 145
setsid 112 157                      settimeofday 164 170                setuid 105 146
setxattr 188 5                      shmat 30 196                        shmctl 31 195
shmdt 67 197                        shmget 29 194                       socket 41 198
socketpair 53 199                   swapoff 168 225                     swapon 167 224
sync 162 81                         syslog 103 116                      tgkill 234 131
tkill 200 130                       truncate 76 45                      umount2 166 39
unshare 272 97                      uselib 134 -                        userfaultfd 323 282
utime 132 -                         utimensat 280 88                    utimes 235 -
vfork 58 -                          vhangup 153 58                      vmsplice 278 75
"""


def numbers(machine: str | None = None) -> dict[str, int]:
    """Number of every system call that a machine has, by name; empty for a machine that nobody has listed here.

    Args:
        machine: As `platform.machine` calls it; None for this one.
    """
    column = {X86_64: 1, AARCH64: 2}.get(machine or platform.machine())
    words = _TABLE.split()
    rows = [words[i : i + 3] for i in range(0, len(words), 3)]
    return {row[0]: int(row[column]) for row in rows if row[column] != "-"} if column else {}


def call(name: str, *arguments: int | ctypes.Array[ctypes.c_char] | None) -> int:
    """Make a system call and return what it returns.

    Args:
        name: Of the call.
        arguments: Integers, and buffers whose addresses are passed.

    Raises:
        OSError: The kernel refused it, or does not have it.
    """
    return checked("syscall", numbers()[name], *arguments)


def checked(function: str, *arguments: int | ctypes.Array[ctypes.c_char] | None) -> int:
    """Call a function of the C library that returns -1 for errors, and return what it returns; OSError for an error."""
    library = ctypes.CDLL(None, use_errno=True)
    plain = [ctypes.c_long(each) if isinstance(each, int) else each for each in arguments]
    result = int(library[function](*plain))
    if result == -1:
        code = ctypes.get_errno()
        raise OSError(code, f"{function}: {os.strerror(code)}")
    return result
