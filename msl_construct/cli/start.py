"""What every command does before anything else: its three streams and its signals in order.

A shell can start a program with stdin, stdout or stderr closed. The first files that the program
opens would get their numbers, and what is meant for a stream would end up in them. A signal can
come while the interpreter is still importing, where an exception shows a traceback or is lost.
"""

from __future__ import annotations

import errno
import gc
import io
import os
import signal
import stat
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType

    from _typeshed import ReadableBuffer, WriteableBuffer

__all__ = [
    "ENDING",
    "begin",
    "give_up_for_memory",
    "interrupted",
    "let_interrupts_raise",
    "piped",
    "untouched",
]

_acquiring = False
_INTERRUPTED = 130
_UNTOUCHED = 6  # `Exit.TARGET`: importing it would take as long as what is guarded here
_UNREADABLE = 3  # `Exit.UNREADABLE`
_GARBAGE = 10_000
"""Objects after which the interpreter looks for garbage: starting makes many, and none of it."""
_STREAMS = ("stdin", "stdout", "stderr")
ENDING = ("SIGINT", "SIGTERM", "SIGQUIT", "SIGHUP", "SIGXCPU", "SIGBREAK")
"""What ends a process unless it is caught, and can come from outside; SIGXCPU from ulimit -t,
SIGBREAK from Ctrl-Break on Windows."""


def begin(*, acquiring: bool = False) -> None:
    """Put streams and signals in order.

    Args:
        acquiring: a process is to be acquired: no signal may end us but by the documented code.
    """
    global _acquiring
    _acquiring = acquiring
    if acquiring:
        _volunteer()
    else:
        gc.set_threshold(_GARBAGE)
    _catch_early(acquiring)
    if sys.stdin is None or sys.stdout is None or sys.stderr is None:
        _occupy()
    if sys.platform == "win32":
        _speak_utf8()
    _forgive_stderr()


def _volunteer() -> None:
    """Be the first whom the kernel ends where memory runs out: not the process to be acquired.

    Whatever is started from here on inherits that.
    """
    with suppress(OSError), open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
        file.write("1000")


# -- signals ---------------------------------------------------------------------------


def interrupted(number: int, _: FrameType | None) -> None:
    """Handles SIGINT until the command itself can: one line, and the usual code."""
    _end("msl: interrupted\n", _INTERRUPTED)


def untouched(number: int, _: FrameType | None) -> None:
    """Handles what ends an acquisition before it has begun."""
    name = signal.Signals(number).name
    _end(f"msl: stopped by {name}, before any process was touched\n", _UNTOUCHED)


def let_interrupts_raise() -> None:
    """From here on SIGINT is a `KeyboardInterrupt` again, where `interrupted` had it."""
    if signal.getsignal(signal.SIGINT) is interrupted:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _catch_early(acquiring: bool) -> None:
    if threading.current_thread() is not threading.main_thread():
        return
    for name in ENDING if acquiring else ENDING[:1]:
        number = getattr(signal, name, None)
        # A background job's SIGINT and nohup's SIGHUP are ignored, and stay so.
        if number is not None and signal.getsignal(number) in (
            signal.SIG_DFL,
            signal.default_int_handler,
        ):
            signal.signal(number, untouched if acquiring else interrupted)


def give_up_for_memory(error: BaseException) -> None:
    """End where there is not even memory enough to import a command.

    Raises:
        ImportError: that is not why.
    """
    text = str(error)
    if isinstance(error, ImportError) and "failed to map" not in text and "memory" not in text:
        raise error
    code = _UNTOUCHED if _acquiring else _UNREADABLE
    _end(f"msl: not enough memory to start, see ulimit -v: {text or 'allocating failed'}\n", code)


def _end(text: str, code: int) -> None:
    """End at once: an exception in the middle of an import may get lost."""
    with suppress(OSError):
        os.write(2, text.encode())
    os._exit(code)


# -- streams ---------------------------------------------------------------------------


class _Closed(io.RawIOBase):
    """A stream that was closed when we were started: using it is an error that says so."""

    def __init__(self, number: int) -> None:
        self._number = number

    def fileno(self) -> int:
        return self._number

    def isatty(self) -> bool:
        return False

    def readable(self) -> bool:
        return self._number == 0

    def writable(self) -> bool:
        return self._number != 0

    def readinto(self, into: WriteableBuffer) -> int:
        raise self._error()

    def write(self, data: ReadableBuffer) -> int:
        try:
            return os.write(self._number, data)
        except OSError:
            raise self._error() from None

    def _error(self) -> OSError:
        return OSError(errno.EBADF, f"{_STREAMS[self._number]} is closed")


class _Forgiving(io.RawIOBase):
    """stderr, which is for people: that it takes nothing must not change what is done."""

    def __init__(self, raw: io.RawIOBase) -> None:
        self._raw = raw

    def fileno(self) -> int:
        return self._raw.fileno()

    def isatty(self) -> bool:
        return self._raw.isatty()

    def writable(self) -> bool:
        return True

    def write(self, data: ReadableBuffer) -> int:
        try:
            count = self._raw.write(data)
        except OSError:
            count = None
        return count or memoryview(data).nbytes


class _Pipe(io.RawIOBase):
    """Windows' pipe, which says EINVAL where its reader has gone."""

    def __init__(self, raw: io.RawIOBase) -> None:
        self._raw = raw

    def fileno(self) -> int:
        return self._raw.fileno()

    def isatty(self) -> bool:
        return False

    def writable(self) -> bool:
        return True

    def write(self, data: ReadableBuffer) -> int | None:
        try:
            return self._raw.write(data)
        except OSError as error:
            if error.errno == errno.EINVAL:
                raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE)) from None
            raise


def piped(raw: io.RawIOBase) -> io.RawIOBase:
    """What writes to an output such that a reader who has gone is an error like elsewhere."""
    if sys.platform != "win32":
        return raw
    try:
        pipe = stat.S_ISFIFO(os.fstat(raw.fileno()).st_mode)
    except OSError:
        pipe = False
    return _Pipe(raw) if pipe else raw


def _speak_utf8() -> None:
    """What goes to no terminal is written as on other systems: UTF-8, and lines end with LF."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if not isinstance(stream, io.TextIOWrapper) or stream.isatty():
            continue
        raw = getattr(stream.buffer, "raw", stream.buffer)
        if name == "stdout" and isinstance(raw, io.RawIOBase) and piped(raw) is not raw:
            buffer = io.BufferedWriter(piped(raw))
            setattr(sys, name, io.TextIOWrapper(buffer, encoding="utf-8", newline="\n"))
        else:
            stream.reconfigure(encoding="utf-8", newline="\n")


def _occupy() -> None:
    """Open something under the numbers of closed streams, so that no file gets them."""
    for number, name in enumerate(_STREAMS):
        if getattr(sys, name) is not None:
            continue
        try:
            os.fstat(number)
        except OSError:
            # The wrong way round for data: using the descriptor itself is an error, too.
            opened = os.open(os.devnull, os.O_RDONLY if number == 1 else os.O_WRONLY)
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)
            os.set_inheritable(number, True)
        raw = _Closed(number)
        stream: io.TextIOWrapper
        if number == 0:
            stream = io.TextIOWrapper(io.BufferedReader(raw), encoding="utf-8")
        else:
            through: io.RawIOBase = raw if number == 1 else _Forgiving(raw)
            stream = io.TextIOWrapper(io.BufferedWriter(through), encoding="utf-8")
        setattr(sys, name, stream)


def _forgive_stderr() -> None:
    stream = sys.__stderr__
    if stream is None or sys.stderr is not stream:
        return  # somebody has put something else there
    buffer = getattr(stream, "buffer", None)
    raw = getattr(buffer, "raw", buffer)  # there is no buffer with PYTHONUNBUFFERED
    if isinstance(raw, io.RawIOBase):
        sys.stderr = io.TextIOWrapper(
            io.BufferedWriter(_Forgiving(raw)),
            encoding=stream.encoding,
            newline="\n" if sys.platform == "win32" else None,
            errors=stream.errors,
            line_buffering=True,
        )
