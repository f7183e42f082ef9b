"""A pretend device of torch: tensors that say they are elsewhere, and compute on the CPU.

As with a GPU, operations that mix devices raise an error; unlike with a GPU, each transfer and each wait is written
down. Tensors of a private device can be made by a subclass in Python, through which torch sends every operation.
"""

import contextlib

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

NAME = "pretend"
aten = torch.ops.aten
WAITS = {aten._local_scalar_dense.default, aten.nonzero.default, aten.equal.default, aten.masked_select.default}


class Log:
    """What crossed between the devices, and what waited."""

    def __init__(self):
        self.transfers, self.waits, self.operations = [], [], []

    @property
    def crossings(self):
        return [*self.transfers, *self.waits]


LOG = Log()


class PretendTensor(torch.Tensor):
    """A tensor of the pretend device, around one of the CPU that holds its values."""

    @staticmethod
    def __new__(cls, values):
        layout = {"strides": values.stride(), "storage_offset": values.storage_offset(), "dtype": values.dtype}
        return torch.Tensor._make_wrapper_subclass(cls, values.size(), device=torch.device(NAME, 0), **layout)

    def __init__(self, values):
        self.values_on_cpu = values

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
    device = kwargs.get("device")
    to_pretend = device is not None and torch.device(device).type == NAME
    tensors = [each for each in tree_leaves((args, kwargs)) if isinstance(each, torch.Tensor)]
    ours = [each for each in tensors if isinstance(each, PretendTensor)]
    if not ours and not to_pretend:
        return operation(*args, **kwargs)
    LOG.operations.append(operation)
    given, named = tree_map(_values, (args, kwargs))
    if to_pretend:
        named["device"] = "cpu"
    if operation is aten._to_copy.default:
        crosses = not ours or (device is not None and not to_pretend)
        LOG.transfers += [operation] * crosses
        result = operation(*given, **named)
        return result if crosses and ours else PretendTensor(result)
    foreign = [each for each in tensors if not isinstance(each, PretendTensor) and each.dim()]
    if operation is aten.copy_.default and foreign:
        LOG.transfers.append(operation)
    elif foreign:
        raise RuntimeError(f"expected all tensors on one device, found {NAME}:0 and cpu in {operation}")
    LOG.waits += [operation] * (operation in WAITS or _indexes_by_mask(operation, args))
    result = operation(*given, **named)
    same = {id(each.values_on_cpu): each for each in ours}  # operations in place return their argument
    return tree_map(lambda each: _wrapped(each, same), result)


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


@contextlib.contextmanager
def pretend_device():
    """The device inside, as `torch.device("pretend", 0)`; its log begins empty."""
    if not hasattr(torch, NAME):
        torch.utils.backend_registration._setup_privateuseone_for_python_backend(NAME)
        getattr(torch, NAME).synchronize = lambda device=None: None  # TorchRL waits for whatever device there is
    LOG.__init__()
    with Dispatch():
        yield torch.device(NAME, 0)
