"""Questions put to a real name server on loopback: answers, aliases of them, silence, and how a place is written."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from dr_estate.model.silent_servers import SilentServers
from dr_estate.model.unavailable import DataUnavailable, UnavailableKind
from dr_estate.network.dns_query import DnsPatience, Server, addresses, ask, ask_in_turn, name_servers, server_at

ZONE = {
    ("shop.example.", "A"): (
        "answer",
        ["shop.example. 60 IN CNAME origin.example.", "origin.example. 30 IN A 192.0.2.1"],
    ),
    ("child.example.", "NS"): (
        "authority",
        ["child.example. 300 IN NS ns2.example.", "child.example. 300 IN NS ns1.example."],
    ),
}


def _patience(limit_s: float) -> DnsPatience:
    return DnsPatience(limit_s, SilentServers(), lambda: 1000.0)


def _serve(listening: socket.socket, seen: list[bool]) -> None:
    while True:
        data, sender = listening.recvfrom(4096)
        if not data:
            return
        question = dns.message.from_wire(data)
        seen.append(bool(question.flags & dns.flags.RD))
        reply = dns.message.make_response(question)
        reply.flags |= dns.flags.AA
        query = question.question[0]
        section, rows = ZONE.get((query.name.to_text(), _kind(query)), ("answer", []))
        for row in rows:
            name, ttl, _, kind, value = row.split()
            getattr(reply, section).append(dns.rrset.from_text(name, int(ttl), "IN", kind, value))
        if not rows:
            reply.set_rcode(dns.rcode.NXDOMAIN)
        listening.sendto(reply.to_wire(), sender)


def _kind(query: dns.rrset.RRset) -> str:
    return query.to_text().rsplit(" ", 1)[1]


@pytest.fixture
def recursion_wanted() -> list[bool]:
    return []


@pytest.fixture
def server(recursion_wanted: list[bool]) -> Iterator[Server]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=_serve, args=(listening, recursion_wanted), daemon=True)
        thread.start()
        yield Server("ns.example", *listening.getsockname())
        listening.sendto(b"", listening.getsockname())
        thread.join(2)


def test_an_answer_holds_its_addresses_names_on_the_way_and_lowest_ttl(server: Server) -> None:
    answer = ask(server, "shop.example", "A", _patience(2))
    assert (("192.0.2.1",), ("origin.example",), 30) == (answer.values, answer.chain, answer.ttl_s)
    assert ("ns.example", "NOERROR", True) == (answer.asked, answer.code, answer.authoritative)


def test_a_name_that_is_not_there_is_an_answer_too(server: Server) -> None:
    answer = ask(server, "missing.example", "A", _patience(2))
    assert ("NXDOMAIN", ()) == (answer.code, answer.values)


def test_a_parents_referral_counts_as_its_name_servers(server: Server) -> None:
    assert ("ns1.example.", "ns2.example.") == ask(server, "child.example", "NS", _patience(2)).values


def test_resolvers_are_asked_recursively_and_authoritative_servers_never(
    server: Server, recursion_wanted: list[bool]
) -> None:
    ask(server, "shop.example", "A", _patience(2))
    place = f"{server.address}:{server.port}"
    assert ["192.0.2.1"] == addresses("shop.example", _patience(2), [place])
    assert {"ns1.example", "ns2.example"} == set(name_servers("child.example", _patience(2), [place]))
    assert [False, True, True] == recursion_wanted


@pytest.mark.proof
def test_a_question_that_got_lost_is_put_again_and_each_has_the_whole_time() -> None:
    limit_s, takes_s = 2.0, 1.2

    def lose_one_and_take_time(listening: socket.socket) -> None:
        listening.recvfrom(4096)
        data, sender = listening.recvfrom(4096)
        time.sleep(takes_s)
        listening.sendto(dns.message.make_response(dns.message.from_wire(data)).to_wire(), sender)

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", 0))
        busy = threading.Thread(target=lose_one_and_take_time, args=(listening,))
        busy.start()
        assert (
            ask(Server("ns.busy", *listening.getsockname()), "shop.example", "A", _patience(limit_s)).code == "NOERROR"
        )
        busy.join()


def test_a_server_that_is_silent_cannot_be_seen_through_and_does_not_hang() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf:
        deaf.bind(("127.0.0.1", 0))
        with pytest.raises(DataUnavailable) as dark:
            ask(Server("ns.silent", *deaf.getsockname()), "shop.example", "A", _patience(0.2))
    assert dark.value.unavailable.kind is UnavailableKind.RESOLVER
    assert "ns.silent did not answer for shop.example A" in dark.value.unavailable.why


def test_another_server_answers_for_a_silent_one_or_the_first_is_named(server: Server) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf:
        deaf.bind(("127.0.0.1", 0))
        silent = [Server(label, *deaf.getsockname()) for label in ("ns.first", "ns.second")]
        answer = ask_in_turn([silent[0], server], "shop.example", "A", _patience(0.2))
        assert ("ns.example", ("192.0.2.1",)) == (answer.asked, answer.values)
        with pytest.raises(DataUnavailable, match=r"ns\.first did not answer for shop\.example A"):
            ask_in_turn(silent, "shop.example", "A", _patience(0.05))


def test_a_silent_server_costs_one_timeout_and_counts_once_it_answers(server: Server) -> None:
    seconds = [1000.0]
    patience = DnsPatience(0.05, SilentServers(), lambda: seconds[0])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf:
        deaf.bind(("127.0.0.1", 0))
        closed = Server("ns.closed", *deaf.getsockname())
        for name in ("shop.example", "other.example", "third.example"):
            with pytest.raises(DataUnavailable) as dark:
                ask(closed, name, "A", patience)
            assert dark.value.unavailable.kind is UnavailableKind.RESOLVER
        assert len(_received(deaf)) == 2, "the first question, put twice: no other waits again"
        seconds[0] += 60
        with pytest.raises(DataUnavailable):
            ask(closed, "shop.example", "A", patience)
        assert len(_received(deaf)) == 1
    opened = Server(closed.label, server.address, server.port)
    patience.silent.silent((opened.address, opened.port, ()), 0, 1060)
    seconds[0] += 300
    assert [ask(opened, "shop.example", "A", patience).values for _ in range(2)] == [("192.0.2.1",)] * 2


def _received(deaf: socket.socket) -> list[bytes]:
    deaf.setblocking(False)
    questions = []
    with contextlib.suppress(BlockingIOError):
        while True:
            questions.append(deaf.recv(4096))
    return questions


def test_a_resolver_that_is_silent_hides_no_other(server: Server) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf:
        deaf.bind(("127.0.0.1", 0))
        places = [f"{address}:{port}" for address, port in (deaf.getsockname(), (server.address, server.port))]
        patience = _patience(0.05)
        assert addresses("shop.example", patience, places) == ["192.0.2.1"]
        for name, resolvers in (("shop.example", places[:1]), ("missing.example", places)):
            with pytest.raises(DataUnavailable) as dark:
                addresses(name, patience, resolvers)
            assert dark.value.unavailable.kind is UnavailableKind.RESOLVER, "it may know what the other does not"


def test_resolvers_that_do_not_know_a_name_leave_it_unseen(server: Server) -> None:
    with pytest.raises(DataUnavailable, match=r"No configured resolver knows missing\.example A"):
        addresses("missing.example", _patience(2), [f"{server.address}:{server.port}"])


@pytest.mark.parametrize(
    ("place", "address", "port"),
    [
        ("192.0.2.53", "192.0.2.53", 53),
        ("192.0.2.53:5300", "192.0.2.53", 5300),
        ("2001:db8::53", "2001:db8::53", 53),
        ("[2001:db8::53]:5300", "2001:db8::53", 5300),
    ],
)
def test_a_resolver_is_written_with_or_without_its_port(place: str, address: str, port: int) -> None:
    assert Server(place, address, port) == server_at(place)
