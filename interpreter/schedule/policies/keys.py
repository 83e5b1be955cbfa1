"""Policies that are sort keys: total, pure, printable. The call of least key is written first.

Each key names the rule of spec/4-time.md that defines it. Policies that look ahead are in
`lookahead.py`; the optimum is in `optimal.py`.
"""

from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Final

from interpreter.schedule.models.timing import KeyPolicy
from interpreter.schedule.plan import Plan
from interpreter.schedule.policies.facts import Facts, gather_facts

Key = tuple[int | str, ...]


def program(call: Facts, _: int) -> Key:
    """Time/policy-program: in program order."""
    return (call.seq,)


def random(call: Facts, seed: int) -> Key:
    """Time/policy-random: by the SHA-256 of seed, workload and call, so alike everywhere."""
    text = f"{seed}/{call.workload}/{call.id}"
    return (sha256(text.encode()).hexdigest(), call.seq)


def lpt(call: Facts, _: int) -> Key:
    """Time/policy-lpt: longest execution first (the paper's choice)."""
    return (-call.estimate_us, call.seq)


def most_successors(call: Facts, _: int) -> Key:
    """Time/policy-most-successors: the call that most calls wait for."""
    return (-call.successors, call.seq)


def critical_path(call: Facts, _: int) -> Key:
    """Time/policy-critical-path: longest chain, own writing included."""
    return (-call.generate_us - call.tail_us, call.seq)


def longest_tail(call: Facts, _: int) -> Key:
    """Time/policy-longest-tail: longest chain, own writing left out."""
    return (-call.tail_us, call.seq)


def fan_tail(call: Facts, _: int) -> Key:
    """Time/policy-fan-tail: longest tail, counting that a fan is written one by one."""
    return (-call.fan_tail_us, call.seq)


def johnson(call: Facts, _: int) -> Key:
    """Time/policy-johnson: Johnson's rule, optimal for independent calls on one worker."""
    if call.generate_us < call.estimate_us:
        return (0, call.generate_us, call.seq)
    return (1, -call.estimate_us, call.seq)


KEYS: Final[Mapping[KeyPolicy, Callable[[Facts, int], Key]]] = {
    "program": program,
    "random": random,
    "lpt": lpt,
    "most-successors": most_successors,
    "critical-path": critical_path,
    "longest-tail": longest_tail,
    "fan-tail": fan_tail,
    "johnson": johnson,
}


def prioritise(facts: list[Facts], policy: KeyPolicy, seed: int) -> list[int]:
    """Return the priority of each call under a policy, 0 first.

    Args:
        facts: The calls, in program order.
        policy: Name of a key.
        seed: Seed of `random`; the others ignore it.
    """
    key = KEYS[policy]
    keys = [key(call, seed) for call in facts]
    priority = [0] * len(facts)
    for place, call in enumerate(sorted(range(len(facts)), key=keys.__getitem__)):
        priority[call] = place
    return priority


def priorities(plan: Plan, policy: KeyPolicy, seed: int = 0) -> list[int]:
    """Priority of each call of a plan under a policy, 0 first."""
    return prioritise(gather_facts(plan), policy, seed)
