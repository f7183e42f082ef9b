"""Adapters: what other libraries save, played as it is.

    folder     which adapters there are, and their settings; read without opening what was saved
    sb3        a policy of stable-baselines3 or sb3-contrib
    cleanrl    the weights of an agent of CleanRL
    torchrl    a policy of TorchRL
    torch_file what torch.save wrote
    actions    what they make of a network's outputs

All but the first are imported in the agent's process alone, behind the sandbox: what they load may be a pickle, which
runs whatever its author likes. `folder` is imported everywhere, hence loads none of it.
"""
