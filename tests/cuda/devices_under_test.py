"""Devices that the tests of the kernels run on: always this CPU, and a card where there is one."""

import on_cpu
import pytest


def _cpu(folder):
    if reason := on_cpu.missing():
        pytest.skip(reason)
    return on_cpu.CpuDevice(folder)


def _card(folder):
    from cubnm_core.backends.cuda import devices

    if reason := devices.unavailable():
        pytest.skip(reason)
    from cubnm_core.backends.cuda.card import current_card

    return current_card()


DEVICES = [pytest.param(_cpu, id="cpu"), pytest.param(_card, id="card", marks=pytest.mark.gpu)]
