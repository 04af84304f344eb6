"""Which mailbox of a pool the next person gets: each its share, never one person more or less than the share asks for."""

from collections.abc import Hashable, Mapping
from fractions import Fraction


def next_in_turn[K: Hashable](*, given: Mapping[K, int], shares: Mapping[K, int]) -> K | None:
    """The key whose turn it is, or None without a share above zero.

    `shares` are weights (any size), `given` how many each has. Who already has their share of one more than all have is
    not asked; among the others comes who has least for their weight, on a tie the first of `shares`. From nothing given
    and with steady shares nobody is ever a whole one away from the ideal (the quota method of Balinski and Young, 1975);
    after a change of the shares it closes the gap as fast as one can without taking anything back.
    """
    usable = {key: share for key, share in shares.items() if share > 0}
    if not usable:
        return None
    total, all_shares = sum(given.get(key, 0) for key in usable) + 1, sum(usable.values())
    owed = {key: share for key, share in usable.items() if given.get(key, 0) * all_shares < total * share}
    # The ideals sum to one more than was given, so somebody is always owed something.
    return max(owed, key=lambda key: Fraction(owed[key], given.get(key, 0) + 1))
