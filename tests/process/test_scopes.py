"""Scopes of several threads, and around the events of a generator."""

import threading

import torch

from rlbench.process import numerics, scopes


def test_a_generator_holds_a_scope_only_while_it_computes():
    before, inside = torch.get_num_threads(), []

    def events():
        try:
            for event in (1, None, 3):
                inside.append(torch.get_num_threads())
                yield event
        finally:
            inside.append(torch.get_num_threads())

    for _ in scopes.within(lambda: numerics.torch_threads(before + 1), events()):
        assert torch.get_num_threads() == before
    given_up = scopes.within(lambda: numerics.torch_threads(before + 1), events())
    next(given_up)
    given_up.close()
    assert inside == [before + 1] * 6
    assert torch.get_num_threads() == before


def test_a_shared_scope_is_made_by_the_first_thread_and_undone_by_the_last():
    log, ready, go = [], threading.Event(), threading.Event()

    def change():
        log.append("made")
        return lambda: log.append("undone")

    scope = scopes.SharedScope(change)

    def stay():
        with scope():
            ready.set()
            go.wait()

    thread = threading.Thread(target=stay)
    thread.start()
    ready.wait()
    with scope():
        pass
    assert log == ["made"]
    go.set()
    thread.join()
    assert log == ["made", "undone"]
