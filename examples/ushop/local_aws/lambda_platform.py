"""Lambda: invokes functions, now or later, in as many sandboxes as it takes."""

from __future__ import annotations

import os
import sys
import threading
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import xray
from .invocation import Invocation
from .sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from .activity import Activity
    from .invocation import Outcome
    from .log_shipper import LogShipper
    from .spawner import Spawner
    from .template import Function

PYTHON = f"python{sys.version_info.major}.{sys.version_info.minor}"


class FunctionNotFoundError(Exception):
    """No function of that name is on the stage."""


class TooManyRequestsError(Exception):
    """The function's reserved concurrency is used up."""


@dataclass(frozen=True)
class Settings:
    """How the stage plays Lambda.

    Attributes:
        retry_delays_s: Before the second and the third attempt at an asynchronous event.
            AWS waits 60 and 120 s.
        sandboxes: How many a function gets at most; who wants one more waits. It spares the
            machine, AWS has no such limit.
        environment: More variables for every function.
        layers: More folders to import from.
        init_timeout_s: After which an init is given up and run again within the invocation.
            https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
    """

    retry_delays_s: Sequence[float] = (0.5, 1.0)
    sandboxes: int = 4
    environment: Mapping[str, str] | None = None
    layers: Sequence[Path] = ()
    init_timeout_s: float = 10.0


class Platform:
    """All functions of one region of one account.

    Attributes:
        aws_environment: Variables that say where AWS is, and how to sign.
        here: Addresses on this machine by those that the template's variables hold.
    """

    python = sys.executable
    runtime = PYTHON

    def __init__(  # noqa: PLR0913  # what it is made of
        self,
        functions: Iterable[Function],
        *,
        account: str,
        region: str,
        settings: Settings,
        shipper: LogShipper,
        activity: Activity,
        spawner: Spawner,
    ) -> None:
        self.account = account
        self.region = region
        self.shipper = shipper
        self.spawner = spawner
        self.aws_environment: dict[str, str] = {}
        self.here: dict[str, str] = {}
        self.init_timeout_s = settings.init_timeout_s
        self._activity = activity
        self._settings = settings
        self._pools = {
            function.name: _Pool(self, function, settings.sandboxes) for function in functions
        }
        self._stopping = threading.Event()

    def function_arn(self, name: str) -> str:
        """Return a function's ARN."""
        return f"arn:aws:lambda:{self.region}:{self.account}:function:{name}"

    def sandboxes(self, name: str) -> list[Sandbox]:
        """Return a function's sandboxes, the oldest first."""
        return list(self._pool(name).sandboxes)

    def invoke(
        self,
        name: str,
        event: bytes,
        *,
        trace_root: str | None = None,
        client_context: str | None = None,
    ) -> Outcome:
        """Invoke a function and wait for its answer.

        Raises:
            FunctionNotFoundError: There is no such function.
            TooManyRequestsError: Its reserved concurrency is used up.
        """
        pool = self._pool(name)
        invocation = Invocation(
            str(uuid.uuid4()), event, trace_root or xray.new_root(), client_context
        )
        with self._activity:
            return pool.invoke(invocation)

    def invoke_later(
        self,
        name: str,
        event: bytes,
        *,
        trace_root: str | None = None,
        client_context: str | None = None,
    ) -> str:
        """Take an asynchronous event; return its request id, which all its attempts share.

        Raises:
            FunctionNotFoundError: There is no such function.
        """
        pool = self._pool(name)
        invocation = Invocation(
            str(uuid.uuid4()), event, trace_root or xray.new_root(), client_context
        )
        self._activity.__enter__()  # until the last attempt has ended
        threading.Thread(
            target=self._attempt, args=(pool, invocation), name=f"async-{name}", daemon=True
        ).start()
        return invocation.request_id

    def environment(self, function: Function, log_stream: str) -> dict[str, str]:
        """Return a process's whole environment: Lambda's own variables, then the function's.

        Names: https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
        """
        return {
            "PATH": os.defpath,
            "LANG": "en_US.UTF-8",
            "TZ": ":UTC",
            "LAMBDA_TASK_ROOT": str(function.code),
            "_HANDLER": function.handler,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_EXECUTION_ENV": f"AWS_Lambda_{self.runtime}",
            "AWS_LAMBDA_FUNCTION_NAME": function.name,
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
            "AWS_LAMBDA_LOG_GROUP_NAME": function.log_group,
            "AWS_LAMBDA_LOG_STREAM_NAME": log_stream,
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_FORMAT": function.log_format,
            "_LOCAL_AWS_LAYERS": ":".join(map(str, self._settings.layers)),
            **self.aws_environment,
            **{name: self._here(value) for name, value in function.environment.items()},
            **(self._settings.environment or {}),
        }

    def _here(self, value: str) -> str:
        for there, here in self.here.items():
            value = value.replace(there, here)
        return value

    def stop(self) -> None:
        """Kill every process; what waits for one gets none."""
        self._stopping.set()
        for pool in self._pools.values():
            pool.stop()

    def _pool(self, name: str) -> _Pool:
        try:
            return self._pools[name]
        except KeyError:
            message = f"Function not found: {self.function_arn(name)}"
            raise FunctionNotFoundError(message) from None

    def _attempt(self, pool: _Pool, invocation: Invocation) -> None:
        try:
            retries = self._settings.retry_delays_s[: pool.function.max_retries]
            for delay_s in (0.0, *retries):
                if (
                    self._stopping.wait(delay_s)
                    or pool.invoke(invocation, patient=True).error is None
                ):
                    return
        except InterruptedError:
            return  # the stage has ended
        finally:
            self._activity.__exit__()


class _Pool:
    """The sandboxes of one function; the one used last is used first."""

    def __init__(self, platform: Platform, function: Function, limit: int) -> None:
        self.function = function
        self.sandboxes: list[Sandbox] = []
        self._platform = platform
        self._reserved = function.reserved_concurrency
        self._limit = limit if self._reserved is None else min(limit, self._reserved)
        self._idle: list[Sandbox] = []
        self._changed = threading.Condition()
        self._stopped = False

    def invoke(self, invocation: Invocation, *, patient: bool = False) -> Outcome:
        """Run it in a free sandbox, in a new one, or, where there are enough, wait for one."""
        sandbox = self._take(patient=patient)
        try:
            return sandbox.invoke(invocation)
        finally:
            with self._changed:
                self._idle.append(sandbox)
                self._changed.notify()

    def stop(self) -> None:
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        for sandbox in self.sandboxes:
            sandbox.stop()

    def _take(self, *, patient: bool) -> Sandbox:
        with self._changed:
            while not self._stopped:
                if self._idle:
                    return self._idle.pop()
                if len(self.sandboxes) < self._limit:
                    self.sandboxes.append(Sandbox(self._platform, self.function))
                    return self.sandboxes[-1]
                if len(self.sandboxes) == self._reserved and not patient:
                    message = "Rate Exceeded."
                    raise TooManyRequestsError(message)
                self._changed.wait()
        message = "the stage has ended"
        raise InterruptedError(message)
