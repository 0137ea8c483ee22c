"""The public files of logs under ``/log/``, and a voter's receipt."""

from __future__ import annotations

from quart import Blueprint, Response, request
from quart_cors import cors_exempt
from quart_schema import validate_querystring

from quickpoll.auth.web import current_caller
from quickpoll.errors import NotFound, PollNotFound, ReceiptPending, ResultsHidden
from quickpoll.foundation.openapi.document import Answer, documented
from quickpoll.transparency.bodies import ReceiptQuery
from quickpoll.transparency.files import BYTES, LINES, LogFiles
from quickpoll.transparency.receipts import Receipts

FOR_ANYBODY = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Headers": "*",
    "Access-Control-Allow-Methods": "GET, HEAD",
    "Access-Control-Expose-Headers": "ETag, Retry-After",
}
"""Public files, whoever's pages may call the rest of the service."""

PLAIN_TEXT = "text/plain"

_KEY = "polls.example.org+0f3a5c77+AaFjbL0nX3vNNWUvqC1T0dOyEwD8nPtp6ZlVt0F0uZ1O\n"
_POLL = "65f1c0ffee0000000000a001"
_ROOT = "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg="
_NOTE = f"polls.example.org/log/{_POLL}\n12\n{_ROOT}\n\n\N{EM DASH} polls.example.org Dzpcd4…\n"
_OPENING = f'{{"tag":"{"1" * 64}","salt":"{"2" * 64}","optionIds":["65f1c0ffee0000000000b001"]}}\n'
_RECEIPT = f"c2sp.org/tlog-proof@v1\nextra e30=\nindex 3\n{_ROOT}\n\n{_NOTE}"


def blueprint(files: LogFiles) -> Blueprint:
    """The public files. They ask for no token."""
    views = Blueprint("log", __name__, url_prefix="/log")

    @views.after_app_request
    async def for_anybody(response: Response) -> Response:
        if request.path.startswith("/log/"):  # paths of no route, too
            response.headers.update(FOR_ANYBODY)
        return response

    @views.get("/key")
    @cors_exempt
    @documented(Answer(200, "A verifier key a line.", texts={PLAIN_TEXT: _KEY}), errors=(NotFound,))
    async def log_key() -> Response:
        """The keys by which logs are signed (C2SP signed-note); the first one signs new logs."""
        return files.key().response()

    @views.get("/<poll_id>/checkpoint")
    @cors_exempt
    @documented(Answer(200, "A signed note.", texts={PLAIN_TEXT: _NOTE}), errors=(NotFound,))
    async def log_checkpoint(poll_id: str) -> Response:
        """How long the log of a verifiable poll is, and what is in it, signed (C2SP
        tlog-checkpoint)."""
        return (await files.checkpoint(poll_id)).response()

    @views.get("/<poll_id>/tile/<path:tile>")
    @cors_exempt
    @documented(Answer(200, "The tile.", texts={BYTES: "…"}), errors=(NotFound,))
    async def log_tile(poll_id: str, tile: str) -> Response:
        """A tile of hashes, `<level>/<number>`, or a bundle of entries, `entries/<number>`, each
        perhaps with `.p/<width>` (C2SP tlog-tiles)."""
        return (await files.tile(poll_id, tile)).response()

    @views.get("/<poll_id>/openings")
    @cors_exempt
    @documented(
        Answer(200, "An opening a line.", texts={LINES: _OPENING}, headers={"ETag": "a tag"}),
        Answer(304, "The caller has this answer already.", headers={"ETag": "the same tag"}),
        errors=(ResultsHidden, NotFound),
        headers={"If-None-Match": "the ETag of the answer that the caller has"},
    )
    async def log_openings(poll_id: str) -> Response:
        """What lies under the commitments of a closed poll; never with fewer than five ballots."""
        return (await files.openings(poll_id, request.headers.get("If-None-Match"))).response()

    return views


def receipts_blueprint(receipts: Receipts) -> Blueprint:
    """A voter's receipt."""
    views = Blueprint("receipts", __name__, url_prefix="/api/poll")

    @views.get("/receipt/<poll_id>")
    @validate_querystring(ReceiptQuery)
    @documented(
        Answer(
            200,
            "A proof (C2SP tlog-proof).",
            headers={"Content-Disposition": "attachment, with a file name"},
            texts={PLAIN_TEXT: _RECEIPT},
        ),
        errors=(PollNotFound, NotFound, ReceiptPending),
    )
    async def receipt(poll_id: str, query_args: ReceiptQuery) -> Response:
        """Proof that the caller's present ballot is in the published log of a verifiable poll."""
        reply = await receipts.receipt(current_caller(), poll_id, opening=query_args.opening)
        return reply.response()

    return views
