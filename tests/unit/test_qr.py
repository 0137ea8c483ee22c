"""QR codes: what is drawn, and for which origins."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
import segno

from quickpoll.web import qr

address = "http://127.0.0.1:8001/polls/6b05a55b063a0fedef78b1c4"


def test_the_drawing_is_svg_with_a_quiet_zone_and_no_size_of_its_own() -> None:
    drawing = ElementTree.fromstring(qr.svg(address))  # noqa: S314 - our own, just made
    modules = segno.make_qr(address, error="m").symbol_size(border=4)[0]
    assert drawing.tag == "{http://www.w3.org/2000/svg}svg"
    assert drawing.get("viewBox") == f"0 0 {modules} {modules}"
    assert drawing.get("width") is None


def test_different_addresses_make_different_drawings() -> None:
    assert qr.svg(address) != qr.svg(address.replace("c4", "c5"))


@pytest.mark.parametrize(
    ("claimed", "hosts", "expected"),
    [
        ("", ("a.example:8001",), "http://a.example:8001"),
        ("", (), None),
        ("https://a.example", ("a.example",), "https://a.example"),
        ("https://a.example/", ("a.example",), "https://a.example"),
        ("https://a.example:443", ("a.example",), "https://a.example:443"),
        ("https://a.example", ("inside:8001", "a.example"), "https://a.example"),
        ("https://A.example", ("a.example",), "https://A.example"),
        ("http://[::1]:8001", ("[::1]:8001",), "http://[::1]:8001"),
        ("https://b.example", ("a.example",), None),
        ("http://a.example:81", ("a.example",), None),
        ("https://a.example/elsewhere", ("a.example",), None),
        ("https://a.example?more", ("a.example",), None),
        ("https://a.example#more", ("a.example",), None),
        ("https://a.example@b.example", ("a.example",), None),
        ("https://me@a.example", ("a.example",), None),
        ("javascript://a.example", ("a.example",), None),
        ("https://a.example:port", ("a.example",), None),
        ("https://[a.example", ("a.example",), None),
        ("a.example", ("a.example",), None),
    ],
)
def test_a_code_names_only_an_origin_that_the_request_names_too(
    claimed: str, hosts: tuple[str, ...], expected: str | None
) -> None:
    assert qr.trusted_origin(claimed, "http", hosts) == expected
