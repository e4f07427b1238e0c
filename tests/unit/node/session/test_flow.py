# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from proctor.node.session.commands import (
    Command,
    PauseOutput,
    RecordOutput,
    ResumeOutput,
    Send,
    WriteInput,
)
from proctor.node.session.flow import MAX_UNRECORDED, Flow, FlowInput
from proctor.node.session.inputs import (
    ClientBlocked,
    ClientData,
    ClientReady,
    OutputReceived,
    OutputRecorded,
    OutputStream,
)

MUCH = OutputReceived(b"x" * MAX_UNRECORDED, OutputStream.TERMINAL)
PIECES = st.lists(st.binary(min_size=1, max_size=8))


def feed(flow: Flow, inputs: list[FlowInput]) -> list[Command]:
    return [command for one in inputs for command in flow.receive(one)]


@given(PIECES, PIECES)
def test_input_is_passed_on_in_order_whenever_the_process_comes(
    early: list[bytes], late: list[bytes]
) -> None:
    flow = Flow()
    done = feed(flow, [ClientData(data) for data in early])
    done += flow.connect(interactive=False)
    done += feed(flow, [ClientData(data) for data in late])

    assert [one.data for one in done if isinstance(one, WriteInput)] == early + late
    assert flow.received == sum(map(len, early + late))


@given(PIECES)
def test_output_of_a_terminal_is_sent_after_it_was_recorded(pieces: list[bytes]) -> None:
    flow = Flow()
    list(flow.connect(interactive=True))
    recorded = feed(flow, [OutputReceived(data, OutputStream.TERMINAL) for data in pieces])
    sent = feed(flow, [OutputRecorded(data) for data in pieces])

    assert [one.data for one in recorded if isinstance(one, RecordOutput)] == pieces
    assert not [one for one in recorded if isinstance(one, Send)]
    assert [one.data for one in sent if isinstance(one, Send)] == pieces
    assert flow.sent == sum(map(len, pieces))


@given(st.lists(st.sampled_from([ClientBlocked(), ClientReady(), MUCH])))
def test_output_is_paused_and_resumed_in_turn(inputs: list[FlowInput]) -> None:
    flow = Flow()
    done = [*flow.connect(interactive=True), *feed(flow, inputs)]
    turns = [type(one) for one in done if isinstance(one, PauseOutput | ResumeOutput)]

    assert turns == [PauseOutput, ResumeOutput] * (len(turns) // 2) + [PauseOutput] * (len(turns) % 2)
