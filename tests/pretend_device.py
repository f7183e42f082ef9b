"""A pretend device of torch: tensors that say they are elsewhere, and compute on the CPU.

As with a GPU, operations that mix devices raise an error; unlike with a GPU, each transfer and each wait is written
down, with the line of the package that made it. `PretendGraph` is its CUDA graph. Tensors of a private device can be
made by a subclass in Python, through which torch sends every operation.
"""

import collections
import contextlib
import traceback
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import torch
from torch.utils._python_dispatch import TorchDispatchMode

NAME = "pretend"
ROOT = Path(__file__).parents[1]
aten = torch.ops.aten
WAITS = {aten._local_scalar_dense.default, aten.nonzero.default, aten.equal.default, aten.masked_select.default}
CONSTRUCTORS = ("tensor", "as_tensor")
INDEXING = {aten.index.Tensor, aten.index_put_.default, aten.index_put.default, aten._index_put_impl_.default}


@dataclass(frozen=True)
class Crossing:
    """A transfer or a wait."""

    kind: str  # upload, download, wait
    operation: object
    line: str  # of the package, the innermost


class Log:
    """What crossed between the devices, and what waited."""

    def __init__(self):
        self.crossings, self.operations = [], []
        self.graph = None  # that records what is done

    @property
    def transfers(self):
        return [each for each in self.crossings if each.kind != "wait"]

    @property
    def waits(self):
        return [each for each in self.crossings if each.kind == "wait"]

    def by_line(self):
        """How often each kind of crossing came from each line."""
        return collections.Counter(f"{each.kind} {each.line}" for each in self.crossings)

    def cross(self, kind, operation):
        self.crossings.append(Crossing(kind, operation, line_of_the_package()))
        if self.graph is not None:
            raise RuntimeError(f"a captured function crosses to the CPU: {kind} at {self.crossings[-1].line}")

    def record(self, call):
        """Let the graph that is being captured, if one is, call this at each replay."""
        if self.graph is not None:
            self.graph.tape.append(call)


LOG = Log()

# When this is imported, as torch counts the devices before the first gradient of a process is computed.
torch.utils.backend_registration._setup_privateuseone_for_python_backend(NAME)
getattr(torch, NAME).synchronize = lambda device=None: None  # TorchRL waits for whatever device there is


def line_of_the_package():
    """The innermost line of the packages that led here, or of what called torch."""
    lines = [frame for frame in traceback.extract_stack() if frame.filename != __file__]
    ours = [frame for frame in lines if Path(frame.filename).is_relative_to(ROOT / "baselines")]
    ours = ours or [frame for frame in lines if Path(frame.filename).is_relative_to(ROOT / "rlbench")]
    found = (ours or lines)[-1]
    return f"{Path(found.filename).name}:{found.lineno} {found.line}"


class PretendTensor(torch.Tensor):
    """A tensor of the pretend device, around one of the CPU that holds its values."""

    @staticmethod
    def __new__(cls, values):
        layout = {"strides": values.stride(), "storage_offset": values.storage_offset(), "dtype": values.dtype}
        return torch.Tensor._make_wrapper_subclass(cls, values.size(), device=torch.device(NAME, 0), **layout)

    def __init__(self, values):
        self.values_on_cpu = values

    @property
    def data(self):
        return torch.Tensor.data.__get__(self)

    @data.setter
    def data(self, other):
        """Other memory, for a parameter that becomes a part of a longer vector."""
        torch.Tensor.data.__set__(self, other)
        self.values_on_cpu = other.values_on_cpu

    def data_ptr(self):
        """The address of the values, which a launch takes."""
        return self.values_on_cpu.data_ptr()

    def __repr__(self):
        return f"PretendTensor({self.values_on_cpu})"

    @classmethod
    def __torch_dispatch__(cls, operation, types, args=(), kwargs=None):
        return run(operation, args, kwargs or {})


def run(operation, args, kwargs):
    """Run an operation on the values, and write down what it would do on a device."""
    to_pretend = is_pretend(kwargs.get("device"))
    tensors = [each for each in leaves((args, kwargs)) if isinstance(each, torch.Tensor)]
    ours = [each for each in tensors if isinstance(each, PretendTensor)]
    if not ours and not to_pretend:
        return operation(*args, **kwargs)
    LOG.operations.append(operation)
    given, named = each_leaf(_values, args), each_leaf(_values, kwargs)
    if to_pretend:
        named["device"] = "cpu"
    if operation is aten._to_copy.default and (not ours or (kwargs.get("device") is not None and not to_pretend)):
        LOG.cross("download" if ours else "upload", operation)
        result = operation(*given, **named)
        return result if ours else PretendTensor(result)
    _check_devices(operation, args, tensors)
    if operation in WAITS or _indexes_by_mask(operation, args):
        LOG.cross("wait", operation)
    result = operation(*given, **named)
    LOG.record(lambda: _again(operation, given, named, result))
    same = {id(each.values_on_cpu): each for each in ours}  # operations in place return their argument
    if operation is aten.copy_.default and not isinstance(args[0], PretendTensor):
        return args[0]
    return each_leaf(lambda each: _wrapped(each, same), result)


def _check_devices(operation, args, tensors):
    """Write down a copy between devices, and the upload of an index; an error for other tensors of the CPU.

    Numbers without axes may come from the CPU, as with CUDA.
    """
    foreign = [each for each in tensors if not isinstance(each, PretendTensor) and each.dim()]
    if operation is aten.copy_.default:
        if not all(isinstance(each, PretendTensor) for each in args[:2]):
            LOG.cross("upload" if isinstance(args[0], PretendTensor) else "download", operation)
    elif operation in INDEXING and foreign and all(any(each is i for i in args[1]) for each in foreign):
        LOG.cross("upload", operation)
    elif foreign:
        raise RuntimeError(f"expected all tensors on one device, found {NAME}:0 and cpu in {operation}")


@torch.no_grad()
def _again(operation, given, named, result):
    """Do an operation once more, with its result in the same memory."""
    before, after = leaves(result), leaves(operation(*given, **named))
    for old, new in zip(before, after, strict=True):
        if isinstance(old, torch.Tensor) and old.data_ptr() != new.data_ptr():
            old.copy_(new)


def leaves(tree):
    """What nested tuples, lists and dicts hold."""
    if isinstance(tree, tuple | list | dict):
        return [leaf for each in (tree.values() if isinstance(tree, dict) else tree) for leaf in leaves(each)]
    return [tree]


def each_leaf(function, tree):
    """The same with every leaf replaced by the function of it. Torch's own of both take twice as long."""
    if isinstance(tree, dict):
        return {name: each_leaf(function, each) for name, each in tree.items()}
    if isinstance(tree, tuple | list):
        return type(tree)(each_leaf(function, each) for each in tree)
    return function(tree)


def is_pretend(device):
    return device is not None and torch.device(device).type == NAME


def _wrapped(each, same):
    if not isinstance(each, torch.Tensor):
        return each
    return same[id(each)] if id(each) in same else PretendTensor(each)


def _values(each):
    return each.values_on_cpu if isinstance(each, PretendTensor) else each


def _indexes_by_mask(operation, args):
    """Whether the size of a result depends on values, which the CPU must wait for."""
    if operation is not aten.index.Tensor:
        return False
    return any(each is not None and each.dtype in (torch.bool, torch.uint8) for each in args[1])


class Dispatch(TorchDispatchMode):
    """Sends operations without tensors, such as `torch.zeros(device="pretend")`, and those of plain tensors."""

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        return run(operation, args, kwargs or {})


def constructor(function):
    """`torch.tensor` or its like, which torch makes beyond Python's reach: made on the CPU, then sent."""

    def construct(*args, device=None, **kwargs):
        if not is_pretend(device):
            return function(*args, device=device, **kwargs)
        return function(*args, **kwargs).to(device)

    return construct


class PretendGraph:
    """A CUDA graph's stand-in: what was done while it was captured is done again, on the same memory, without Python.

    As with CUDA, a transfer or a wait while it is captured is an error. Unlike with CUDA, what is captured is done at
    once; the first replay then does nothing.
    """

    def __init__(self):
        self.tape, self.done = [], True

    @contextlib.contextmanager
    def capture(self):
        LOG.graph = self
        try:
            yield
        finally:
            LOG.graph = None

    def replay(self):
        for call in () if self.done else self.tape:
            call()
        self.done = False


@contextlib.contextmanager
def pretend_device():
    """The device inside, as `torch.device("pretend", 0)`; its log begins empty."""
    LOG.__init__()
    tensor, as_tensor = (mock.patch.object(torch, each, constructor(getattr(torch, each))) for each in CONSTRUCTORS)
    with Dispatch(), tensor, as_tensor:
        yield torch.device(NAME, 0)
