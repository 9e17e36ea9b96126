import random
from itertools import islice

from crampwatch.bus.backoff import backoff_s


def test_pauses_grow_to_the_cap_and_are_spread_over_its_upper_half() -> None:
    pauses = list(islice(backoff_s(first_s=0.1, cap_s=10, chance=random.Random(1)), 200))
    assert 0.05 <= pauses[0] <= 0.1
    assert all(5 <= pause <= 10 for pause in pauses[10:])
    assert max(pauses[10:]) - min(pauses[10:]) > 4
