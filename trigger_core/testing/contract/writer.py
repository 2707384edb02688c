"""Records stories into a store, a thread each, and says after each call that it is recorded.

``command("writer", STORE, "NUMBER:CALLS", ...)`` records the stories of these numbers, each without its first so many
calls. A line `NUMBER CALLS` on standard output says that so many calls of a story are recorded.
"""

import os
import threading

import trigger_core
from trigger_core.testing.contract.stores import arguments
from trigger_core.testing.contract.stories import story

JOBS = 8
CALLS = 40


def main(store: str, *starts: str) -> None:
    """Records the rest of each story."""
    with trigger_core.open(store) as library:

        def tell(number: int, done: int) -> None:
            for count, call in enumerate(story(number, JOBS, CALLS)[done:], done + 1):
                library.record(call)
                os.write(1, f"{number} {count}\n".encode())

        threads = [threading.Thread(target=tell, args=tuple(map(int, start.split(":")))) for start in starts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


if __name__ == "__main__":
    main(*arguments())
