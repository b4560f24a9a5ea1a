"""Texts judged by several processes, told in the order of the input."""

import os
import select
import sys
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from typing import Final

import msgspec

from webhook.audit.batches import Batch, batches
from webhook.audit.hearing import Hearing, Outcome, Told
from webhook.audit.process import Process
from webhook.audit.sources import Text, Unread
from webhook.goyaml.chunks import split
from webhook.report.entries import ErrorEntry, Source

ALONE: Final = 64 * 1024
"""Bytes that are judged before a process is started: 40 documents, 10 ms."""
MOST: Final = 8
"""Processes at most: more would only wait for this one, which reads files and writes reports."""
_AHEAD: Final = 4
"""Batches for each process that may be finished before an earlier one is."""

_batch_decoder = msgspec.msgpack.Decoder(Batch)
_outcomes_decoder = msgspec.msgpack.Decoder(list[Outcome])
_encoder = msgspec.msgpack.Encoder()


def useful_processes() -> int:
    """As many as there are processors for this process; 1 where it cannot know."""
    return min(MOST, len(os.sched_getaffinity(0))) if sys.platform == "linux" else 1


def outcomes(texts: Iterable[Text | Unread], hearing: Hearing) -> Generator[Outcome, None, None]:
    """What becomes of each text, in their order. Closing it ends the processes.

    They are started once that is worth it. If one dies, the texts that it had are judged again,
    each by a process of its own, and what brings that one down, too, is told as not judged.
    """
    processes = useful_processes()
    rest = iter(texts)
    size = 0
    for text in rest:
        outcome = hearing.outcome(text)
        yield outcome
        size += outcome.size
        if processes > 1 and size >= ALONE:
            with closing(_Pool(hearing, processes)) as pool:
                yield from pool.outcomes(batches(rest))
            return


class _Task(msgspec.Struct, eq=False):
    """A batch that a process has, or had."""

    batch: Batch
    answer: bytes | None = None


class _Pool:
    """Processes with one batch each: while one side writes, the other reads, so none is stuck."""

    def __init__(self, hearing: Hearing, processes: int) -> None:
        self._hearing = hearing
        self._processes = processes
        self._idle: list[Process] = []
        self._busy: dict[Process, _Task] = {}
        self._tasks: deque[_Task] = deque()
        """In the order of the input: what is not told yet."""

    def outcomes(self, found: Iterator[Batch]) -> Iterator[Outcome]:
        """What becomes of each text."""
        self._assign(found)
        while self._tasks:
            answer = self._tasks[0].answer
            # whoever waits for work gets it before this one writes its report
            self._collect(timeout=None if answer is None else 0)
            self._assign(found)
            if answer is not None:
                self._tasks.popleft()
                yield from _outcomes_decoder.decode(answer)

    def close(self) -> None:
        """End the processes, whatever they do."""
        for process in (*self._idle, *self._busy):
            process.end()
        self._idle, self._busy = [], {}

    def _assign(self, found: Iterator[Batch]) -> None:
        """Give everybody a batch; start a process if all there are have one."""
        while (
            len(self._tasks) < _AHEAD * self._processes
            and len(self._busy) < self._processes
            and (batch := next(found, None)) is not None
        ):
            task = _Task(batch)
            self._tasks.append(task)
            process = self._idle.pop() if self._idle else self._started()
            if process:
                self._busy[process] = task
                process.send(_encoder.encode(batch))
            else:
                task.answer = self._answer(_encoder.encode(batch))

    def _collect(self, timeout: float | None) -> None:
        """Take what is answered by now; without a timeout, wait until something is."""
        ready, _, _ = select.select(list(self._busy), [], [], timeout)
        for process in ready:
            task = self._busy[process]
            task.answer = process.receive()
            del self._busy[process]
            if task.answer is not None:
                self._idle.append(process)
            else:
                how = process.end()
                task.answer = _encoder.encode(list(self._after_death(task.batch, how)))

    def _started(self) -> Process | None:
        """One more process, or None where the system allows no more."""
        try:
            return Process(self._answer, (*self._idle, *self._busy))
        except OSError:
            return None

    def _answer(self, message: bytes) -> bytes:
        """Judge a batch, in whichever process."""
        batch = _batch_decoder.decode(message)
        return _encoder.encode([self._hearing.outcome(text) for text in batch])

    def _after_death(self, batch: Batch, how: str) -> Iterator[Outcome]:
        """What becomes of the texts that a process had when it ended in this way."""
        if len(batch) == 1:
            yield _not_judged(batch[0], how)
            return
        for text in batch:
            answer = None
            if process := self._started():
                try:
                    process.send(_encoder.encode([text]))
                    answer = process.receive()
                finally:
                    how = process.end()
            yield _outcomes_decoder.decode(answer)[0] if answer else _not_judged(text, how)


def _not_judged(text: Text | Unread, how: str) -> Outcome:
    if isinstance(text, Unread):
        text = Text(text.file, b"")
    problem = f"not judged: the process that judged it {how}"
    return Outcome(
        [Told(error=ErrorEntry(Source(text.file, line=text.line), problem))],
        found=1,
        documents=sum(1 for _ in split(text.data)),
        size=len(text.data),
        is_continued=text.is_continued,
    )
