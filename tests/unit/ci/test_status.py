"""What is shown while nothing is said: a line on a terminal, a sign of life in a log."""

import io
import threading

from exporter.ci.console import Console
from exporter.ci.plain import Plain
from exporter.ci.ticker import Ticker


class Terminal(io.StringIO):
    """A terminal of 80 columns."""

    def isatty(self) -> bool:
        return True


class Time:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_terminal_shows_everything_that_is_going_on() -> None:
    out, time = Terminal(), Time()
    console = Console(Plain(), out=out, clock=time)
    with console.group("Build app"), console.group("Build db"):
        time.now += 4
        console.tick()
    assert out.getvalue().startswith("Build app\n\r\x1b[2KBuild app: 4 s · Build db: 4 s")


def test_a_line_takes_the_place_of_the_status() -> None:
    out, time = Terminal(), Time()
    console = Console(Plain(), out=out, clock=time)
    with console.group("Build app") as group:
        console.tick()
        group.say("step 1")
    console.tick()
    assert out.getvalue() == "Build app\n\r\x1b[2KBuild app: 0 s\r\x1b[2Kstep 1\n"


def test_the_status_is_no_longer_than_a_line() -> None:
    out = Terminal()
    console = Console(Plain(), out=out, clock=Time())
    with console.group("x" * 200):
        console.tick()
    assert out.getvalue().endswith(f"\r\x1b[2K{'x' * 79}")


def test_a_log_gets_a_sign_of_life_after_a_minute_of_silence() -> None:
    out, time = io.StringIO(), Time()
    console = Console(Plain(), out=out, clock=time)
    with console.group("Build app") as group:
        time.now += 50
        group.say("step 1")
        time.now += 59
        console.tick()
        time.now += 1
        console.tick()
        console.tick()
    assert out.getvalue() == "Build app\nstep 1\n… Build app: 110 s\n"


def test_without_work_there_is_nothing_to_show() -> None:
    out, time = io.StringIO(), Time()
    console = Console(Plain(), out=out, clock=time)
    time.now += 1000
    console.tick()
    assert out.getvalue() == ""


def test_finishing_erases_the_status() -> None:
    out = Terminal()
    console = Console(Plain(), out=out, clock=Time(), ticker=Ticker(1000))
    with console.group("Build app"):
        console.tick()
    console.finish()
    assert out.getvalue() == "Build app\n\r\x1b[2KBuild app: 0 s\r\x1b[2K"


def test_a_ticker_ticks_until_it_is_stopped() -> None:
    ticker, ticked = Ticker(0.001), threading.Event()
    ticker.start(ticked.set)
    ticker.start(ticked.set)
    assert ticked.wait(5)
    ticker.stop()
    ticker.stop()
