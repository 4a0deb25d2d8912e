"""Work on things that need each other, as much side by side as allowed."""

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Generic, TypeVar

from exporter.value import dataclass

if TYPE_CHECKING:
    from concurrent.futures import Future

Key = TypeVar("Key")
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome(Generic[Key, Value]):
    """What came out, in the order of what was asked: results, and errors of what failed."""

    results: Mapping[Key, Value]
    errors: Mapping[Key, Exception]


def run_graph(
    needs: Mapping[Key, Collection[Key]],
    work: Callable[[Key, Mapping[Key, Value]], Value],
    *,
    limit: int,
) -> Outcome[Key, Value]:
    """Do the work for every key once everything that it needs is done.

    After an error nothing new is started; what runs is let finish, so that it is not lost.

    Args:
        needs: For every key the keys that must be done before; without cycles.
        work: Gets a key and all results so far.
        limit: How many at a time; with 1 everything happens in the caller's thread.
    """
    results: dict[Key, Value] = {}
    errors: dict[Key, Exception] = {}
    waiting = {key: set(before) for key, before in needs.items()}
    if limit == 1 or len(waiting) == 1:  # most runs are of one image, and need no threads
        while waiting and not errors:
            key = _ready(waiting, results)[0]
            del waiting[key]
            try:
                results[key] = work(key, results)
            except Exception as failure:  # noqa: BLE001 - handed to the caller with its key
                errors[key] = failure
        return _in_order(needs, results, errors)
    from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait  # noqa: PLC0415 - see above

    pool = ThreadPoolExecutor(max_workers=limit)
    running: dict[Future[Value], Key] = {}
    try:
        while running or (waiting and not errors):
            if not errors:
                for key in _ready(waiting, results):
                    del waiting[key]
                    running[pool.submit(work, key, results)] = key
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                key = running.pop(future)
                try:
                    results[key] = future.result()
                except Exception as failure:  # noqa: BLE001 - handed to the caller with its key
                    errors[key] = failure
    finally:
        pool.shutdown(wait=not running, cancel_futures=True)
    return _in_order(needs, results, errors)


def _in_order(
    keys: Collection[Key], results: Mapping[Key, Value], errors: Mapping[Key, Exception]
) -> Outcome[Key, Value]:
    return Outcome(
        results={key: results[key] for key in keys if key in results},
        errors={key: errors[key] for key in keys if key in errors},
    )


def _ready(waiting: Mapping[Key, set[Key]], results: Mapping[Key, Value]) -> list[Key]:
    return [key for key, before in waiting.items() if before <= results.keys()]
