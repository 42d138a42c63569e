"""Ids, leases, kinds, roles and errors: the small rules everything else relies on."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain import errors, leases
from app.domain.event_types import EventType
from app.domain.ids import TaskIds
from app.domain.kinds import Effect, Kind, attempts_of, effect_of, may_run_again
from app.domain.leases import Lease
from app.domain.roles import TOKEN_PREFIXES, Principal, Role
from app.domain.timing import MAX_TIMEOUT_MS, MIN_TIMEOUT_MS, clamp_timeout


def test_task_ids_sort_in_the_order_of_their_making() -> None:
    """Ten thousand ids made in a row are different, ascending, and UUIDs of version 7."""
    new_id = TaskIds()
    made = [new_id() for _ in range(10_000)]
    assert made == sorted(set(made))
    assert {UUID(one).version for one in made} == {7}
    assert re.fullmatch(r"[\w-]+", made[0])


def test_threads_never_make_the_same_id() -> None:
    """Eight threads that make ids at once make no id twice, each its own in ascending order."""
    new_id = TaskIds()
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _n: [new_id() for _ in range(2_000)], range(8)))
    assert all(one == sorted(one) for one in made)
    assert len({id_ for one in made for id_ in one}) == 16_000


def test_a_lease_is_read_back_as_it_was_written() -> None:
    """The token of a lease names its attempt, and only its own grant fits its hash."""
    lease = Lease("0190-ab", 3, leases.new_grant())
    assert leases.parse(lease.token) == lease
    assert lease.matches(leases.grant_hash(lease.grant))
    assert not lease.matches(leases.grant_hash(leases.new_grant()))
    assert not lease.matches(None)
    assert lease.grant not in leases.grant_hash(lease.grant).hex()


@pytest.mark.parametrize(
    "token", ["", ".", "..", "a.b.c", "a..c", ".1.c", "a.1.", "a.-1.c", "a.1²3.c", "a." + "9" * 10]
)
def test_what_is_no_lease_is_none(token: str) -> None:
    """A token that names no task, no attempt in plain digits or no grant spells no lease."""
    assert leases.parse(token) is None


@given(st.text())
def test_any_text_can_be_asked_whether_it_is_a_lease(token: str) -> None:
    """Parsing never fails; what parses is written back the same, but for leading zeros."""
    found = leases.parse(token)
    if found is not None:
        assert leases.parse(found.token) == found


def test_what_may_be_lost_twice_is_what_does_no_harm() -> None:
    """Reading and writing whole files may be repeated, everything else by default is done once."""
    assert effect_of(Kind.FILE_READ) == Effect.READ
    assert effect_of(Kind.FILE_WRITE) == Effect.IDEMPOTENT
    assert effect_of(Kind.COMMAND) == effect_of("house-made") == Effect.MUTATING
    assert [attempts_of(effect) for effect in Effect] == [3, 3, 1]
    assert not may_run_again(Effect.MUTATING, attempt=1, max_attempts=9)
    assert may_run_again(Effect.READ, attempt=1, max_attempts=2)
    assert not may_run_again(Effect.READ, attempt=2, max_attempts=2)


@given(st.integers())
def test_timeouts_are_brought_between_a_second_and_a_day(asked: int) -> None:
    """Whatever is asked for, the timeout is within bounds, and unchanged when it was."""
    found = clamp_timeout(asked)
    assert MIN_TIMEOUT_MS <= found <= MAX_TIMEOUT_MS
    assert found == asked or not MIN_TIMEOUT_MS <= asked <= MAX_TIMEOUT_MS


def test_a_worker_belongs_to_the_token_that_registered_it() -> None:
    """A token of its own gives its name; a shared one is told apart by the machine, and owns all of these."""
    wim, shared = Principal("wim", frozenset({Role.WORKER})), Principal("shared", frozenset(Role))
    assert (wim.worker_id("wim"), wim.worker_id("laptop")) == ("wim", "wim/laptop")
    assert shared.owns_worker(shared.worker_id("laptop"))
    assert not wim.owns_worker("wimbledon")
    assert not wim.owns_worker("shared/wim")
    assert wim.acting_role(frozenset({Role.CLIENT})) is None
    assert wim.acting_role(frozenset({Role.CLIENT, Role.WORKER})) == Role.WORKER


def test_each_role_has_a_prefix_of_its_own() -> None:
    """A token shows what it is for."""
    assert set(TOKEN_PREFIXES) == set(Role)
    assert len(set(TOKEN_PREFIXES.values())) == len(Role)


def test_event_types_are_a_subject_and_what_happened() -> None:
    """Each is ``subject.past_tense`` in small letters."""
    happened = r"[a-z]+\.([a-z_]+ed|lost|given|sent)"
    assert all(re.fullmatch(happened, one) for one in EventType)


def all_errors(of: type[errors.ServiceError] = errors.ServiceError) -> list[type[errors.ServiceError]]:
    """Return the whole tree of errors."""
    return [of, *(found for child in of.__subclasses__() for found in all_errors(child))]


def test_the_drawn_tree_of_errors_is_the_real_one() -> None:
    """The module's docstring names every error, indented under its parent."""
    drawn = re.findall(r"([│ ├└─]*)([A-Z]\w+)", (errors.__doc__ or "").split("::")[1].split("The HTTP")[0])
    depth = {name: len(lead.strip("\n")) // 4 for lead, name in drawn}
    tree = all_errors()
    assert set(depth) >= {one.__name__ for one in tree}
    for one in tree[1:]:
        parent = one.__bases__[0].__name__
        assert depth[one.__name__] == depth[parent] + 1, one


def test_each_error_has_a_code_of_its_own_and_a_sentence() -> None:
    """Codes are unique small words, and an error without a message of its own says its docstring."""
    tree = all_errors()[1:]
    assert len({one.code for one in tree}) == len(tree)
    for one in tree:
        assert re.fullmatch(r"[a-z_]+", one.code)
        assert str(one()) == (one.__doc__ or "").split("\n", 1)[0]
        assert str(one("told")) == "told"
