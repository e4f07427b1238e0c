# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from tests.unit.node.session.vocabulary import NOWHERE, make, transcript

STARTED = """
    >> requested terminal
    << open record terminal
    >> record opened
    << spawn terminal
    >> spawned
    << emit session.start
    << attach capture
    << await exit
    << resume input
"""

STARTED_UNCAPTURED = """
    >> requested exec make
    << open record exec make
    >> record opened
    << spawn exec make
    >> spawned
    << await exit
    << resume input
"""


def test_a_terminal_from_its_start_to_its_end() -> None:
    transcript(
        make(),
        STARTED
        + """
        >> client data id
        << write input 'id'
        >> output terminal uid=0
        << record output 'uid=0'
        >> output recorded uid=0
        << send 'uid=0' stdout
        >> resized 100x40
        << resize terminal 100 40
        << emit resize 100 40
        >> exited 0
        << finish outputs
        >> output terminal logout
        << record output 'logout'
        >> outputs ended
        >> output recorded logout
        << send 'logout' stdout
        << flush client
        >> flushed
        << report exit 0
        << release streams
        << release process
        << await drain
        >> drained
        << emit session.end 11 2
        << close record
        """,
    )


def test_a_command_that_is_not_captured_leaves_one_event() -> None:
    transcript(
        make(captured=False),
        STARTED_UNCAPTURED
        + """
        >> client eof
        << close input
        >> output stdout done
        << send 'done' stdout
        >> output stderr oops
        << send 'oops' stderr
        >> outputs ended
        >> killed by SEGV
        << flush client
        >> flushed
        << report exit by SEGV
        << release streams
        << release process
        << emit outcome by SEGV
        << close record
        """,
    )


def test_a_captured_command_has_a_start_and_an_end() -> None:
    transcript(
        make(),
        """
        >> requested exec make
        << open record exec make
        >> record opened
        << spawn exec make
        >> spawned
        << emit session.start
        << attach capture
        << await exit
        << resume input
        >> outputs ended
        >> exited 2
        << flush client
        >> flushed
        << report exit 2
        << release streams
        << release process
        << await drain
        >> drained
        << emit outcome 2
        << emit session.end 0 0
        << close record
        """,
    )


def test_operations_of_sftp_are_recorded_after_the_client_has_gone() -> None:
    transcript(
        make(captured=False),
        """
        >> requested sftp
        << open record sftp
        >> record opened
        << spawn sftp
        >> spawned
        << await exit
        << resume input
        >> output audit open
        << record operations 'open'
        >> client gone
        << release streams
        << hang up
        >> operations recorded open
        >> output audit summary
        << record operations 'summary'
        >> outputs ended
        >> exited 0
        >> operations recorded summary
        << flush client
        >> flushed
        << release streams
        << release process
        << emit outcome 0
        << close record
        """,
    )


def test_refused_because_the_record_cannot_be_opened() -> None:
    transcript(
        make(),
        """
        >> requested terminal
        << open record terminal
        >> start refused: no space
        << send 'ERROR: no space\\r\\n' stderr
        << refuse client
        << emit session.rejected no space
        >> client data late
        >> client gone
        """,
    )


def test_refused_by_the_monitor() -> None:
    transcript(
        make(),
        """
        >> requested terminal
        << open record terminal
        >> record opened
        << spawn terminal
        >> start refused: login bob does not exist
        << send 'ERROR: login bob does not exist\\r\\n' stderr
        << refuse client
        << emit session.rejected login bob does not exist
        << close record
        """,
    )


def test_refused_because_files_may_not_be_copied() -> None:
    for request in ("sftp", "exec scp -t /tmp"):
        transcript(
            make(file_copy=False),
            f"""
            >> requested {request}
            << emit file copy refused {request} copying files is not allowed
            << send 'ERROR: copying files is not allowed\\r\\n' stderr
            << refuse client
            << emit session.rejected copying files is not allowed
            """,
        )


def test_input_that_comes_early_waits_for_the_process() -> None:
    transcript(
        make(captured=False),
        """
        >> client data no request yet
        << pause input
        >> requested exec cat
        << open record exec cat
        >> client data a
        << pause input
        >> record opened
        << spawn exec cat
        >> client eof
        >> spawned
        << await exit
        << write input 'no request yet'
        << write input 'a'
        << close input
        << resume input
        """,
    )


def test_the_end_of_input_does_not_end_a_terminal() -> None:
    transcript(make(), STARTED + ">> client eof")


def test_a_slow_client_pauses_the_process_and_delays_the_exit_status() -> None:
    transcript(
        make(),
        STARTED
        + """
        >> client blocked
        << pause output
        >> exited 0
        >> client ready
        << resume output
        << finish outputs
        >> outputs ended
        << flush client
        >> client blocked
        << pause output
        >> client ready
        << resume output
        >> flushed
        << report exit 0
        << release streams
        << release process
        << await drain
        """,
    )


def test_output_is_read_no_faster_than_it_is_recorded() -> None:
    data = "x" * 200_000
    transcript(
        make(),
        STARTED
        + f"""
        >> output terminal {data}
        << record output '{data}'
        >> output terminal {data}
        << record output '{data}'
        << pause output
        >> client blocked
        >> output recorded {data}
        << send '{data}' stdout
        >> client ready
        << resume output
        """,
    )


def test_a_client_that_has_gone_hangs_the_process_up() -> None:
    transcript(
        make(),
        STARTED
        + """
        >> client gone
        << release streams
        << hang up
        >> outputs ended
        >> client gone
        >> killed by HUP
        << finish outputs
        << flush client
        >> flushed
        << release streams
        << release process
        << await drain
        >> drained
        << emit session.end 0 0
        << close record
        """,
    )


def test_a_client_that_leaves_while_output_drains() -> None:
    transcript(
        make(),
        STARTED
        + """
        >> client blocked
        << pause output
        >> exited 0
        >> client gone
        << resume output
        << release streams
        << finish outputs
        >> outputs ended
        << flush client
        >> flushed
        << release streams
        << release process
        << await drain
        """,
    )


def test_reports_of_sftp_are_read_again_when_a_slow_client_has_gone() -> None:
    transcript(
        make(captured=False),
        """
        >> requested sftp
        << open record sftp
        >> record opened
        << spawn sftp
        >> spawned
        << await exit
        << resume input
        >> client blocked
        << pause output
        >> client gone
        << resume output
        << release streams
        << hang up
        """,
    )


def test_a_client_that_leaves_without_a_request() -> None:
    transcript(
        make(),
        """
        >> client gone
        >> requested terminal
        """,
    )


def test_a_client_that_leaves_before_the_spawn() -> None:
    transcript(
        make(),
        """
        >> requested terminal
        << open record terminal
        >> client gone
        >> record opened
        << emit session.rejected the client has closed the session
        << close record
        """,
    )


def test_a_client_that_leaves_during_the_spawn() -> None:
    transcript(
        make(),
        """
        >> requested terminal
        << open record terminal
        >> record opened
        << spawn terminal
        >> client gone
        >> spawned
        << emit session.start
        << attach capture
        << await exit
        << release streams
        << hang up
        """,
    )


def test_capture_lost_ends_a_strict_session() -> None:
    transcript(
        make(),
        STARTED
        + """
        >> capture lost
        << lose capture
        >> unrecorded: capture has stopped
        << kill
        << send '\\r\\nThis session is ended because it cannot be recorded: capture has stopped\\r\\n' stderr
        << signal HUP
        << release streams
        << hang up
        >> outputs ended
        >> killed by KILL
        << finish outputs
        << flush client
        >> flushed
        << report exit by KILL
        << release streams
        << release process
        << await drain
        >> drain timeout
        << emit session.loss capture has not delivered everything
        << emit session.end This session is ended because it cannot be recorded: capture has stopped 76 0
        << close record
        """,
    )


def test_capture_lost_lets_a_best_effort_session_go_on() -> None:
    transcript(
        make(),
        STARTED
        + """
        >> capture lost
        << lose capture
        >> client data exit
        << write input 'exit'
        >> exited 0
        << finish outputs
        >> outputs ended
        << flush client
        >> flushed
        << report exit 0
        << release streams
        << release process
        << await drain
        >> drained
        << emit session.end 0 4
        << close record
        """,
    )


def test_drain_timeout_is_a_loss() -> None:
    transcript(
        make(),
        STARTED
        + """
        >> outputs ended
        >> exited 0
        << finish outputs
        << flush client
        >> flushed
        << report exit 0
        << release streams
        << release process
        << await drain
        >> drain timeout
        << emit session.loss capture has not delivered everything
        << emit session.end 0 0
        << close record
        """,
    )


def test_a_changed_policy_is_followed_where_capture_can_enforce_it() -> None:
    transcript(make(), STARTED + ">> policy changed to nothing\n<< follow policy")


def test_a_changed_policy_ends_a_session_that_it_cannot_be_enforced_on() -> None:
    text = "This session is ended because this node cannot restrict the network for it"
    transcript(
        make(captured=False),
        STARTED_UNCAPTURED
        + f"""
        >> policy changed to anything
        >> policy changed to nothing
        << kill
        << send '\\r\\n{text}\\r\\n' stderr
        << signal HUP
        << release streams
        << hang up
        """,
    )


def test_a_policy_that_changes_during_the_spawn_is_enforced_after_it() -> None:
    for change, follow in (("nothing", "<< follow policy"), ("anything", "")):
        transcript(
            make(),
            f"""
            >> requested terminal
            << open record terminal
            >> record opened
            << spawn terminal
            >> policy changed to {change}
            >> spawned
            << emit session.start
            << attach capture
            << await exit
            << resume input
            {follow}
            """,
        )


def test_a_policy_that_changed_before_the_spawn_needs_nothing_more() -> None:
    transcript(make(network=NOWHERE), ">> policy changed to anything\n" + STARTED)


def test_a_deadline_hangs_the_process_up() -> None:
    transcript(
        make(),
        STARTED
        + """
        >> terminated: Disconnected: the client's certificate has expired.
        << send "\\r\\nDisconnected: the client's certificate has expired.\\r\\n" stderr
        << signal HUP
        << release streams
        << hang up
        >> client gone
        << release streams
        << hang up
        """,
    )


def test_a_lock_kills_all_processes_at_once() -> None:
    transcript(
        make(),
        STARTED
        + """
        >> terminated at once: locked
        << kill
        << send '\\r\\nlocked\\r\\n' stderr
        << signal HUP
        << release streams
        << hang up
        >> outputs ended
        >> killed by KILL
        << finish outputs
        << flush client
        >> flushed
        << report exit by KILL
        << release streams
        << release process
        << await drain
        >> drained
        << emit session.end locked 10 0
        << close record
        """,
    )


def test_a_lock_during_the_start_lets_no_process_begin() -> None:
    transcript(
        make(),
        """
        >> requested terminal
        << open record terminal
        >> terminated at once: locked
        << send '\\r\\nlocked\\r\\n' stderr
        >> record opened
        << send 'ERROR: locked\\r\\n' stderr
        << refuse client
        << emit session.rejected locked
        << close record
        """,
    )


def test_a_lock_during_the_spawn_kills_the_process_as_soon_as_it_is_there() -> None:
    transcript(
        make(),
        """
        >> requested terminal
        << open record terminal
        >> record opened
        << spawn terminal
        >> terminated at once: locked
        << send '\\r\\nlocked\\r\\n' stderr
        >> spawned
        << emit session.start
        << attach capture
        << await exit
        << resume input
        << kill
        << signal HUP
        << release streams
        << hang up
        """,
    )


def test_a_lock_reaches_processes_that_outlive_the_first_one() -> None:
    transcript(
        make(captured=False),
        STARTED_UNCAPTURED
        + """
        >> exited 0
        >> terminated at once: locked
        << kill
        << send '\\r\\nlocked\\r\\n' stderr
        >> client gone
        << release streams
        >> outputs ended
        << flush client
        >> flushed
        << release streams
        << release process
        << emit outcome 0
        << close record
        """,
    )


def test_a_dead_monitor_is_explained() -> None:
    transcript(
        make(),
        STARTED
        + """
        >> exited 255 because the process that watched it has ended unexpectedly
        << send '\\r\\nThis session is ended: the process that watched it has ended unexpectedly\\r\\n' stderr
        << finish outputs
        """,
    )


def test_signals_go_to_a_running_process_only() -> None:
    transcript(
        make(),
        ">> signal requested INT\n"
        + STARTED
        + """
        >> signal requested TERM
        << signal TERM
        >> exited 0
        << finish outputs
        >> signal requested TERM
        >> resized 1x1
        """,
    )


def test_a_terminal_that_is_closed_has_no_size() -> None:
    transcript(make(), STARTED + ">> outputs ended\n>> resized 100x40")


def test_a_second_request_changes_nothing() -> None:
    transcript(make(), STARTED + ">> requested exec id\n>> record opened\n>> spawned")
