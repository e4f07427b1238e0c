import asyncio

from proctor.cli.access.controls import Controls


async def test_space_stops_and_goes_on() -> None:
    controls = Controls()
    controls.press(b" ")
    waiting = asyncio.ensure_future(controls.pause(0))
    done, _ = await asyncio.wait({waiting}, timeout=0.05)
    assert not done
    controls.press(b"x ")
    await asyncio.wait_for(waiting, 5)


async def test_q_ends_a_long_pause_even_when_stopped() -> None:
    controls = Controls()
    controls.press(b" ")
    waiting = asyncio.ensure_future(controls.pause(3600))
    controls.press(b"q")
    await asyncio.wait_for(waiting, 5)
    assert controls.ended
