"""`Group`: what answers write in one turn is committed once, or undone as a whole, and each of them knows.

"On the disk" is what another program reads in the file.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from ocpp_lab.database import Database
from ocpp_lab.errors import StoreFailed
from ocpp_lab.group import LONGEST_REST, Groups, at_once, durable
from tests.fakes import Failing
from tests.simulated import block, simulated

STEPS = ["CREATE TABLE things (name TEXT)"]
_files = count()  # one for each seed


class File:
    """A grouped database, the ``groups`` of whoever answers, and the statements that were run, by their first word."""

    def __init__(self, path: Path) -> None:
        self.database = Database(str(path / f"{next(_files)}.db"), STEPS, grouped=True)
        self.database.before = lambda sql: self.verbs.append(sql.split()[0])
        self.groups = Groups()
        self.verbs: list[str] = []

    def add(self, name: str) -> None:
        self.database.execute("INSERT INTO things VALUES (?)", (name,))

    def names(self) -> list[str]:
        return [name for (name,) in self.database.execute("SELECT name FROM things ORDER BY rowid")]

    def on_disk(self) -> list[str]:
        with closing(sqlite3.connect(self.database.path)) as other:
            return [name for (name,) in other.execute("SELECT name FROM things ORDER BY rowid")]

    async def answer(self, name: str) -> list[str]:
        """One that writes; what the disk has when it may be sent."""
        async with self.groups.answer():
            self.add(name)
        return self.on_disk()


@asynccontextmanager
async def a_file(path: Path) -> AsyncIterator[File]:
    file = File(path)
    yield file
    file.database.close()


def together(*works: Coroutine[Any, Any, Any]) -> asyncio.Future[list[Any]]:
    """All of them in one step, as the calls of one turn of the loop; what each returns or raises."""
    loop = asyncio.get_running_loop()
    return asyncio.gather(*(asyncio.Task(work, loop=loop, eager_start=True) for work in works), return_exceptions=True)


def undone(outcomes: list[Any]) -> list[bool]:
    return [isinstance(outcome, StoreFailed) for outcome in outcomes]


# Committed once -------------------------------------------------------------------------------------------------------


@simulated
async def test_one_commit_for_one_turn(tmp_path: Path) -> None:
    async with a_file(tmp_path) as file:
        names = [f"{number}" for number in range(200)]
        outcomes = await together(*map(file.answer, names))
        assert file.verbs == ["BEGIN", *["INSERT"] * 200, "COMMIT"]
        assert outcomes == [names] * 200, "each of them waited until all were there"


@simulated
async def test_it_waits_for_no_later_turn(tmp_path: Path) -> None:
    async with a_file(tmp_path) as file:
        assert await file.answer("a") == ["a"]
        assert await file.answer("b") == ["a", "b"]
        assert file.verbs.count("COMMIT") == 2


def slow(file: File, seconds: float) -> None:
    """Each commit takes so long, and blocks."""
    told = file.database.before

    def before(sql: str) -> None:
        told(sql)
        if sql == "COMMIT":
            block(seconds)

    file.database.before = before


async def after(delay: float, work: Callable[[], Coroutine[Any, Any, Any]]) -> float:
    """How long it took from then on (s)."""
    began = asyncio.get_running_loop().time() + delay
    await asyncio.sleep(delay)
    await work()
    return asyncio.get_running_loop().time() - began


@simulated
async def test_a_slow_disk_gets_half_of_the_time_however_many_write(tmp_path: Path) -> None:
    """200 writes in a second and 20 ms a commit: without a rest there would be no other second."""
    async with a_file(tmp_path) as file:
        slow(file, 0.020)
        writes = [after(0.005 * n, lambda: file.answer("x")) for n in range(200)]
        beats = [after(0.003 * n + 0.001, lambda: asyncio.sleep(0)) for n in range(330)]
        waited = await asyncio.gather(*writes, *beats)
        assert file.verbs.count("COMMIT") <= 1 / 0.040 + 2
        assert max(waited[200:]) <= 0.0201, "who writes nothing waits for one commit at most"
        assert max(waited[:200]) <= 0.0601, "who writes waits for the commit that runs, the rest, and its own"


@simulated
async def test_a_disk_that_hung_once_is_forgiven(tmp_path: Path) -> None:
    async with a_file(tmp_path) as file:
        slow(file, 30.0)
        await file.answer("a")
        file.database.before = lambda sql: None
        assert await after(0.0, lambda: file.answer("b")) <= LONGEST_REST


@simulated
async def test_whoever_says_commit_does_not_wait_for_the_rest(tmp_path: Path) -> None:
    """`CentralSystem.stop` does, and whoever writes outside an answer."""
    async with a_file(tmp_path) as file:
        slow(file, 0.020)
        await file.answer("a")
        answer = together(file.answer("b"))
        file.groups.commit()
        assert file.on_disk() == ["a", "b"]
        assert await after(0.0, lambda: answer) == 0.0


@simulated
async def test_outside_an_answer_it_is_durable_on_return(tmp_path: Path) -> None:
    """A ledger by itself promises that (exercise 3.7), also while a loop runs."""
    async with a_file(tmp_path) as file:
        file.add("a")
        assert file.on_disk() == ["a"] and file.verbs == ["INSERT"]


@simulated
async def test_whoever_writes_outside_finds_all_committed(tmp_path: Path) -> None:
    """A statement of his own that fails then harms nobody; and who reads sees what stays."""
    async with a_file(tmp_path) as file:
        answer = together(file.answer("a"))
        assert file.on_disk() == []
        with pytest.raises(StoreFailed):
            file.database.execute("INSERT INTO nothing VALUES (1)")
        assert file.on_disk() == ["a"]
        other = together(file.answer("b"))
        assert file.names() == ["a", "b"] == file.on_disk()
        assert undone(await answer + await other) == [False, False]


@simulated
async def test_at_once(tmp_path: Path) -> None:
    """In an answer, too, if somebody says so: then nobody has to wait."""
    async with a_file(tmp_path) as file:
        async with file.groups.answer():
            with at_once():
                file.add("a")
            assert file.on_disk() == ["a"]
        assert file.verbs == ["INSERT"]


@simulated
async def test_who_wrote_nothing_does_not_wait(tmp_path: Path) -> None:
    """Also while a group is open; not a single step of the loop."""

    async def heartbeat() -> None:
        async with file.groups.answer():
            pass

    async with a_file(tmp_path) as file:
        answer = together(file.answer("a"))
        beat = asyncio.Task(heartbeat(), loop=asyncio.get_running_loop(), eager_start=True)
        assert beat.done() and file.on_disk() == []
        await answer


@simulated
async def test_what_is_left_behind_is_durable_at_once(tmp_path: Path) -> None:
    """A task that a handler began and did not wait for: nobody would wait for its group."""

    async def later() -> list[str]:
        await asyncio.sleep(1)
        file.add("later")
        return file.on_disk()

    async with a_file(tmp_path) as file:
        async with file.groups.answer():
            file.add("a")
            task = asyncio.create_task(later())
        assert await task == ["a", "later"]
        assert file.verbs == ["BEGIN", "INSERT", "COMMIT", "INSERT"]


async def _in_a_thread(path: Path) -> None:
    async with a_file(path) as file:

        def add(name: str) -> list[str]:
            file.add(name)
            return file.on_disk()

        async with file.groups.answer():
            assert await asyncio.to_thread(add, "a") == ["a"]
        other = together(file.answer("b"))
        async with file.groups.answer():
            assert await asyncio.to_thread(add, "c") == ["a", "b", "c"]
        [seen] = await other
        assert seen[:2] == ["a", "b"]


def test_another_thread_is_no_part_of_an_answer(tmp_path: Path) -> None:
    """A user's handler may use one: it has no turns, so it is durable on return, and those who wait are woken."""
    asyncio.run(_in_a_thread(tmp_path))


@simulated
async def test_a_file_in_memory_has_no_groups() -> None:
    """There is no disk to wait for."""
    database, verbs = Database(":memory:", STEPS, grouped=True), list[str]()
    database.before = verbs.append
    async with Groups().answer():
        database.execute("INSERT INTO things VALUES ('a')")
    assert len(verbs) == 1
    database.close()


# Undone as a whole ----------------------------------------------------------------------------------------------------


@contextmanager
def full(file: File) -> Iterator[None]:
    """What has room in the pages that there are is still kept; a long name has none."""
    [(pages,)] = file.database.execute("PRAGMA page_count")
    file.database.execute(f"PRAGMA max_page_count = {pages}")
    yield
    file.database.execute("PRAGMA max_page_count = 1000000")


@contextmanager
def refusing(verb: str, file: File) -> Iterator[None]:
    """Statements that begin so fail."""
    told = file.database.before

    def refuse(sql: str) -> None:
        if sql.startswith(verb):
            raise sqlite3.OperationalError("disk I/O error")

    file.database.before = refuse
    yield
    file.database.before = told


@simulated
async def test_a_full_disk_undoes_what_the_others_wrote(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """sqlite rolls back by itself, and a COMMIT after that raises nothing: nobody may believe it."""
    caplog.clear()
    async with a_file(tmp_path) as file:
        with full(file):
            outcomes = await together(file.answer("a"), file.answer("b" * 60_000), file.answer("c"))
        assert undone(outcomes) == [True, True, False]
        assert outcomes[2] == ["c"] == file.on_disk(), "the next group is another one"
        assert file.groups.failures == 1 and caplog.text.count("was undone") == 1
        assert outcomes[0] is not outcomes[1] and "full" in str(outcomes[0])


@simulated
@pytest.mark.parametrize("verb", ["COMMIT", "INSERT INTO things VALUES (?)"])
async def test_a_failing_statement(verb: str, tmp_path: Path) -> None:
    """Of whatever kind; the seam fails it while sqlite has the transaction still open."""
    async with a_file(tmp_path) as file:
        with refusing(verb, file):
            assert undone(await together(file.answer("a"), file.answer("b"))) == [True, True]
        assert file.on_disk() == file.names() == []
        assert await file.answer("c") == ["c"]


@simulated
async def test_the_second_statement_fails(tmp_path: Path) -> None:
    async with a_file(tmp_path) as file:
        file.database.before = Failing(3)  # after BEGIN and the first INSERT
        assert undone(await together(file.answer("a"), file.answer("b"), file.answer("c"))) == [True, True, False]
        assert file.on_disk() == ["c"]


@simulated
async def test_a_lock_is_told_at_once(tmp_path: Path) -> None:
    """Another program writes: nobody waits for it, and there is no group that could fail later."""
    async with a_file(tmp_path) as file:
        with closing(sqlite3.connect(file.database.path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            answers = together(file.answer("a"), file.answer("b"))
            assert file.verbs == ["BEGIN", "BEGIN"]
            assert undone(await answers) == [True, True] and file.groups.failures == 0
        assert await file.answer("c") == ["c"]


@simulated
async def test_a_failing_question_undoes_nothing(tmp_path: Path) -> None:
    """As long as sqlite says that the transaction is there."""

    async def ask() -> None:
        async with file.groups.answer():
            file.database.execute("SELECT nothing FROM nowhere")

    async with a_file(tmp_path) as file:
        outcomes = await together(file.answer("a"), ask())
        assert undone(outcomes) == [False, True] and file.on_disk() == ["a"]


@simulated
async def test_who_has_seen_what_is_not_there_yet_depends_on_it(tmp_path: Path) -> None:
    """A repeat in the same turn finds the first copy's row: its answer waits for the same group, and fails with it."""

    async def look() -> list[str]:
        async with file.groups.answer():
            return file.names()

    async with a_file(tmp_path) as file:
        with refusing("COMMIT", file):
            assert undone(await together(file.answer("a"), look())) == [True, True]
        assert await together(look()) == [[]]
        _, seen = await together(file.answer("a"), look())
        assert seen == ["a"] == file.on_disk()


@simulated
async def test_who_swallows_the_error_is_told_again(tmp_path: Path) -> None:
    """A handler that goes on after a failed statement has a part in the group that it undid."""

    async def stubborn() -> None:
        async with file.groups.answer():
            with pytest.raises(StoreFailed):
                file.add("b")

    async with a_file(tmp_path) as file:
        file.database.before = Failing(2)
        assert undone(await together(stubborn())) == [True]


# Slow handlers --------------------------------------------------------------------------------------------------------


@simulated
async def test_two_writes_with_a_wait_between(tmp_path: Path) -> None:
    """Two groups; the first is on the disk long before the answer."""

    async def slow() -> None:
        async with file.groups.answer():
            file.add("a")
            await asyncio.sleep(10)
            assert file.on_disk() == ["a"]
            file.add("b")
            assert file.on_disk() == ["a"]

    async with a_file(tmp_path) as file:
        await slow()
        assert file.on_disk() == ["a", "b"]


@simulated
async def test_nothing_is_built_on_what_was_undone(tmp_path: Path) -> None:
    """The first write was undone while the handler waited, by somebody else's: it may do no more, not even look."""

    async def slow(act: Callable[[], Any]) -> None:
        async with file.groups.answer():
            file.add("a")
            await asyncio.sleep(10)
            act()

    async with a_file(tmp_path) as file:
        for act in (lambda: file.add("b"), file.names):
            file.database.before = Failing(3)
            assert undone(await together(slow(act), file.answer("c"))) == [True, True]
        assert file.on_disk() == []


@simulated
async def test_what_was_undone_is_never_forgotten(tmp_path: Path) -> None:
    """Whatever the handler does after it, and however long: the answer is not sent."""

    async def slow() -> None:
        async with file.groups.answer():
            file.add("a")
            await asyncio.sleep(10)

    async with a_file(tmp_path) as file:
        with refusing("COMMIT", file):
            answer = together(slow())
            await asyncio.sleep(1)
        assert undone(await answer) == [True]


@simulated
async def test_a_handler_may_wait_itself(tmp_path: Path) -> None:
    """Before it tells anybody else."""
    async with a_file(tmp_path) as file:
        await durable()  # outside, where everything is
        async with file.groups.answer():
            file.add("a")
            await durable()
            assert file.on_disk() == ["a"]
        with refusing("COMMIT", file):
            with pytest.raises(StoreFailed):
                async with file.groups.answer():
                    file.add("b")
                    await durable()


@simulated
async def test_who_stops_waiting_hurts_nobody(tmp_path: Path) -> None:
    async with a_file(tmp_path) as file:
        loop = asyncio.get_running_loop()
        one, two = (asyncio.Task(file.answer(name), loop=loop, eager_start=True) for name in "ab")
        one.cancel()
        assert await two == ["a", "b"] and (await asyncio.gather(one, return_exceptions=True)) != []
        assert one.cancelled()


# `transaction`, `afterwards`, the end ---------------------------------------------------------------------------------


@simulated
async def test_a_block_is_a_part_of_the_group(tmp_path: Path) -> None:
    """It begins and commits nothing of its own. What waits for it waits for the group."""
    acts: list[str] = []

    async def both(names: str) -> None:
        async with file.groups.answer():
            with file.database.transaction():
                for name in names:
                    file.add(name)
                file.database.afterwards(lambda: acts.append(names))
            assert acts == []

    async with a_file(tmp_path) as file:
        await both("ab")
        assert file.verbs == ["BEGIN", "INSERT", "INSERT", "COMMIT"]
        assert acts == ["ab"] and file.on_disk() == ["a", "b"]
        acts.clear()
        with refusing("COMMIT", file):
            assert undone(await together(both("cd"))) == [True]
        assert acts == [] and file.on_disk() == ["a", "b"]


@simulated
async def test_a_block_that_raises_undoes_the_group(tmp_path: Path) -> None:
    """Or half of the block would stay."""

    async def half() -> None:
        async with file.groups.answer():
            with file.database.transaction():
                file.add("half")
                raise LookupError("a bug")

    async with a_file(tmp_path) as file:
        one, two = await together(file.answer("a"), half())
        assert isinstance(one, StoreFailed) and isinstance(two, LookupError)
        assert file.on_disk() == []


@simulated
async def test_a_block_outside_does_not_undo_what_answers_wrote(tmp_path: Path) -> None:
    async with a_file(tmp_path) as file:
        answer = together(file.answer("a"))
        with pytest.raises(LookupError), file.database.transaction():
            file.add("b")
            raise LookupError("a bug")
        assert await answer == [["a"]]


@simulated
async def test_to_close_is_to_commit(tmp_path: Path) -> None:
    async with a_file(tmp_path) as file:
        answer = together(file.answer("a"))
        file.database.close()
        assert file.on_disk() == ["a"]
        assert await answer == [["a"]]


@simulated
async def test_all_groups_of_a_central_system(tmp_path: Path) -> None:
    """`Groups.commit` waits for no turn; of several files, too."""
    async with a_file(tmp_path) as file, a_file(tmp_path) as other:
        other.groups = file.groups
        answers = together(file.answer("a"), other.answer("b"))
        file.groups.commit()
        assert file.on_disk() == ["a"] and other.on_disk() == ["b"]
        await answers
        file.groups.commit()  # nothing is open
        assert file.verbs.count("COMMIT") == 1
