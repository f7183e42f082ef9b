"""Settings that belong to the whole process, each changed in a scope and restored when it ends.

Other libraries and the caller's own program share the process: threads, random generators, signals and the locale are
theirs too. Whatever of ours must change one of them does it here, as a context manager.

scopes       what the others are made of: scopes of several threads at once, and around a generator's events
numerics     threads, random generators and precision of PyTorch, threads of NumPy's BLAS
imports      libraries whose import would move the generator of `random` or the warning filters
screens      what libraries draw with, where there is no screen
system       what the operating system keeps for a process: variables, standard streams, children, the locale
termination  SIGTERM and SIGHUP as an exception, so that a program ends in order
"""
