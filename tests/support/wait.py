"""Waiting for what must become true, with a bound."""
import time


def until(check, timeout=10.0, what=None):
    """Calls check until it gives something true, and returns that. what may be a function, asked when time is over."""
    end = time.monotonic() + timeout
    while True:
        value = check()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {timeout} s: {what() if callable(what) else what or check}")
        time.sleep(0.01)
