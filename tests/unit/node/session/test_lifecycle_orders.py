# SPDX-License-Identifier: Apache-2.0
"""Whatever happens in whatever order, a session ends once, and nothing follows its end."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from proctor.node.session import commands, inputs
from proctor.node.session.commands import Command
from proctor.node.session.inputs import Input, OutputStream, SessionRequest
from proctor.node.session.lifecycle import Lifecycle, State
from proctor.spawnerproto.messages import Exited
from tests.unit.node.session.vocabulary import NOWHERE, TERMINAL, make

REQUESTS = [
    SessionRequest("shell", b"", TERMINAL),
    SessionRequest("exec", b"make"),
    SessionRequest("exec", b"scp -t /tmp"),
    SessionRequest("sftp"),
]
INPUTS: st.SearchStrategy[Input] = st.one_of(
    st.sampled_from(REQUESTS).map(inputs.Requested),
    st.builds(inputs.OutputReceived, st.just(b"data"), st.sampled_from(OutputStream)),
    st.builds(inputs.Terminated, st.just("locked"), st.booleans()),
    st.sampled_from([None, NOWHERE]).map(inputs.PolicyChanged),
    st.booleans().map(inputs.CaptureDrained),
    st.sampled_from(
        [
            inputs.RecordOpened(),
            inputs.StartRefused("no"),
            inputs.ProcessSpawned(),
            inputs.ClientData(b"input"),
            inputs.ClientEof(),
            inputs.ClientBlocked(),
            inputs.ClientReady(),
            inputs.ClientGone(),
            inputs.Resized(1, 1),
            inputs.SignalRequested("INT"),
            inputs.OutputRecorded(b"data"),
            inputs.OperationsRecorded(4),
            inputs.OutputsEnded(),
            inputs.ProcessExited(Exited(code=0)),
            inputs.CaptureLost(),
            inputs.Unrecorded("full"),
            inputs.Flushed(),
        ]
    ),
)
LIFECYCLES = st.builds(make, captured=st.booleans(), file_copy=st.booleans())
LAST = (commands.CloseRecord, commands.EmitRejected)


def answers(given_command: Command) -> Iterable[Input]:
    """What a world in which everything works reports after a command."""
    match given_command:
        case commands.OpenRecord():
            yield inputs.RecordOpened()
        case commands.SpawnProcess():
            yield inputs.ProcessSpawned()
        case commands.RecordOutput(data):
            yield inputs.OutputRecorded(data)
        case commands.RecordOperations(data):
            yield inputs.OperationsRecorded(len(data))
        case commands.FlushClient():
            yield inputs.Flushed()
        case commands.AwaitDrain():
            yield inputs.CaptureDrained(True)
        case commands.ReleaseStreams() | commands.FinishOutputs():
            yield inputs.OutputsEnded()


def settle(lifecycle: Lifecycle, done: list[Command]) -> None:
    """Let the world answer every command, the client go and the process end."""
    waiting: list[Input] = [answer for command in list(done) for answer in answers(command)]
    waiting += [inputs.ClientGone(), inputs.ProcessExited(Exited(code=0)), inputs.OutputsEnded()]
    while waiting:
        fresh = lifecycle.receive(waiting.pop(0))
        done += fresh
        waiting += [answer for command in fresh for answer in answers(command)]
        if commands.SpawnProcess in map(type, fresh):
            waiting += [inputs.ProcessExited(Exited(code=0)), inputs.OutputsEnded()]


def count(done: list[Command], *kinds: type[Command]) -> int:
    return sum(isinstance(command, kinds) for command in done)


@given(LIFECYCLES, st.lists(INPUTS, max_size=40))
def test_any_order_of_inputs_ends_once_and_nothing_follows(lifecycle: Lifecycle, given: list[Input]) -> None:
    done: list[Command] = []
    for one in [*given, inputs.Requested(REQUESTS[0])]:
        done += lifecycle.receive(one)

    settle(lifecycle, done)

    assert lifecycle.state is State.ENDED
    assert count(done, commands.EmitEnd) == count(done, commands.EmitStart) <= 1
    assert count(done, commands.CloseRecord) <= 1
    if count(done, commands.OpenRecord, commands.EmitFileCopyRefused):  # there was a request
        assert isinstance(done[-1], LAST)
    for one in given:
        assert not lifecycle.receive(one)


@given(LIFECYCLES, st.lists(INPUTS, max_size=40))
def test_commands_for_the_process_come_only_while_there_is_one(
    lifecycle: Lifecycle, given: list[Input]
) -> None:
    alive = released = False
    for one in [inputs.Requested(REQUESTS[0]), inputs.RecordOpened(), *given]:
        was_starting = lifecycle.state is State.STARTING
        for command in lifecycle.receive(one):
            alive = alive or (was_starting and isinstance(one, inputs.ProcessSpawned))
            if isinstance(command, commands.Signal | commands.Kill | commands.HangUp | commands.WriteInput):
                assert alive
                assert not released
            released = released or isinstance(command, commands.ReleaseProcess)


@given(LIFECYCLES, st.lists(INPUTS, max_size=40))
def test_nothing_is_sent_to_a_client_that_has_gone(lifecycle: Lifecycle, given: list[Input]) -> None:
    gone = False
    for one in [inputs.Requested(REQUESTS[0]), inputs.RecordOpened(), inputs.ProcessSpawned(), *given]:
        gone = gone or isinstance(one, inputs.ClientGone)
        done = lifecycle.receive(one)
        if gone:
            assert not count(done, commands.Send, commands.ReportExit, commands.RefuseClient)
