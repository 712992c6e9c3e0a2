"""Objects of S3 buckets: ``s3://bucket/prefix``, many at a time, a bounded part of them in memory.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
"""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from typing import Any

from lumitrace.reassembly.aws import AWS, Account, Service
from lumitrace.reassembly.events import Counts, LogEvent
from lumitrace.reassembly.fields import clean
from lumitrace.reassembly.problem import MISUSE, Problem
from lumitrace.reassembly.sources.file import events_of_pieces
from lumitrace.reassembly.sources.packed import pieces
from lumitrace.reassembly.sources.path import S3_SCHEME
from lumitrace.reassembly.sources.progress import Progress
from lumitrace.reassembly.sources.window import Window

S3 = Service("s3", "S3", "s3:ListBucket, s3:GetObject", "bucket", retry="try again")

THREADS = 8  # requests at a time; botocore keeps ten connections
AHEAD = 16  # ranges that are asked for before they are needed: 64 MiB
RANGE = 4 * 1024 * 1024  # bytes in one request
TRIES = 4  # of a range whose connection breaks; botocore itself repeats what is refused
LATE_MS = 60_000  # by how much S3's clock and that of the log events may differ


@dataclass(frozen=True)
class StoredObject:
    """One version of an object."""

    bucket: str
    key: str
    etag: str
    size: int  # bytes

    @property
    def address(self) -> str:
        """Return its address for people."""
        return f"{S3_SCHEME}{self.bucket}/{clean(self.key)}"


Found = tuple[StoredObject, Iterator[LogEvent]]


class Bucket:
    """The objects of a bucket whose keys begin with a prefix.

    Attributes:
        address: ``s3://bucket/prefix``.
        read: objects that were left or read to their end.
    """

    def __init__(self, address: str, account: Account) -> None:
        self.address = address
        self.name, _, self.prefix = address[len(S3_SCHEME) :].partition("/")
        if not self.name:
            message = f"{address} names no bucket; write s3://bucket/prefix"
            raise Problem(message, MISUSE)
        self.aws = AWS(account, S3)
        self.read = 0

    def objects(self, window: Window) -> Iterator[StoredObject]:
        """Yield the objects that may hold events of *window*, by their keys.

        What was written before the window begins holds nothing of it.

        Raises:
            Problem: there are none, or S3 did not answer.
        """
        found = False
        pages = self.aws.client.get_paginator("list_objects_v2")
        listed = iter(pages.paginate(Bucket=self.name, Prefix=self.prefix))
        while True:
            with self.aws.told(f"listing {self.address}"):
                page = next(listed, None)
            if page is None:
                break
            for one in page.get("Contents", ()):
                found = True
                written_ms = int(one["LastModified"].timestamp() * 1000)
                late = window.since_ms is None or written_ms >= window.since_ms - LATE_MS
                if late and one["Size"] and not one["Key"].endswith("/"):
                    yield StoredObject(self.name, one["Key"], one["ETag"], one["Size"])
        if not found:
            message = f"no object begins with {self.address}; check the name and --region"
            raise Problem(message)

    def events(self, objects: Iterator[StoredObject], counts: Counts) -> Iterator[Found]:
        """Yield each of *objects* with its log events; take all of them before the next.

        Raises:
            Problem: S3 refuses or does not answer. The events raise it where one object alone
                cannot be read.
        """
        progress = Progress(self.address)
        with ThreadPoolExecutor(THREADS, "lumitrace-s3") as threads, progress:
            ahead = _Ahead(self, objects, threads, progress)
            try:
                while (stored := ahead.next_object()) is not None:
                    yield stored, self._events(stored, ahead.chunks(stored), counts)
                    self.read += 1
            finally:
                ahead.stop()

    def _events(
        self, stored: StoredObject, chunks: Iterator[bytes], counts: Counts
    ) -> Iterator[LogEvent]:
        found = stored.key != self.prefix  # under a prefix, not named
        packed = pieces(stored.address, chunks, counts)
        yield from chain.from_iterable(
            events_of_pieces(packed, stored.address, counts, found=found)
        )

    def get(self, stored: StoredObject, first: int) -> bytes:
        """Return RANGE bytes of *stored* from *first* on, or what it has of them."""
        last = min(first + RANGE, stored.size) - 1
        request = {"Bucket": self.name, "Key": stored.key, "IfMatch": stored.etag}
        for again in range(TRIES, 0, -1):
            said = self.aws.client.get_object(**request, Range=f"bytes={first}-{last}")
            try:
                content: bytes = said["Body"].read()
            except self.aws.exceptions.BotoCoreError:
                if again == 1:
                    raise
            else:
                return content
        raise AssertionError  # the loop returns or raises


class _Ahead:
    """Ranges of objects, in their order, asked for before they are needed."""

    def __init__(
        self,
        bucket: Bucket,
        objects: Iterator[StoredObject],
        threads: ThreadPoolExecutor,
        progress: Progress,
    ) -> None:
        self.bucket, self.threads, self.progress = bucket, threads, progress
        self.ranges = ((one, at) for one in objects for at in range(0, one.size, RANGE))
        self.asked: deque[tuple[StoredObject, Future[bytes]]] = deque()
        self.problem: Problem | None = None  # in listing: told when what was listed has been read
        self.current: StoredObject | None = None
        self.left: StoredObject | None = None  # nothing more is asked of it

    def next_object(self) -> StoredObject | None:
        """Return the next object, or None; what was not taken of the last one is left."""
        self.left = self.current
        while self.asked and self.asked[0][0] is self.left:
            self.asked.popleft()[1].cancel()
        self._ask()
        if self.asked:
            self.current = self.asked[0][0]
            return self.current
        if self.problem:
            raise self.problem
        return None

    def chunks(self, stored: StoredObject) -> Iterator[bytes]:
        """Yield the bytes of *stored*, the current object."""
        while self.asked and self.asked[0][0] is stored:
            _, future = self.asked.popleft()
            self._ask()
            content = self._answer(stored, future)
            self.progress.add(len(content), whole=not self._goes_on(stored))
            yield content

    def _goes_on(self, stored: StoredObject) -> bool:
        return bool(self.asked) and self.asked[0][0] is stored

    def _answer(self, stored: StoredObject, future: "Future[bytes]") -> bytes:
        doing = f"reading {stored.address}"
        try:
            return future.result()
        except self.bucket.aws.exceptions.ClientError as error:
            said = _OF_ONE_OBJECT.get(error.response.get("Error", {}).get("Code", ""))
            if said:
                message = f"{doing}: {said}"
                raise Problem(message) from None
            self._refused(doing, error)
        except self.bucket.aws.exceptions.BotoCoreError as error:
            self._refused(doing, error)
        raise AssertionError  # told always raises

    def _refused(self, doing: str, error: Any) -> None:
        """Raise *error* as a problem; what is refused for one object is refused for the rest."""
        self.stop()
        with self.bucket.aws.told(doing):
            raise error

    def _ask(self) -> None:
        while len(self.asked) < AHEAD:
            try:
                stored, first = next(self.ranges)
            except StopIteration:
                return
            except Problem as problem:
                self.problem = problem
                return
            if stored is self.left:
                continue
            self.asked.append((stored, self.threads.submit(self.bucket.get, stored, first)))

    def stop(self) -> None:
        """Ask for nothing more."""
        self.ranges = iter(())  # type: ignore[assignment]
        while self.asked:
            self.asked.popleft()[1].cancel()


_OF_ONE_OBJECT: dict[str, str] = {
    "NoSuchKey": "it was deleted meanwhile; run again",
    "PreconditionFailed": "it was written anew meanwhile; run again",
    "InvalidObjectState": "it lies in an archive; restore it first: aws s3api restore-object",
}
