"""The types of the TypeScript client, from the two documents of the service.

``python -m tests.clients.typescript`` writes them anew; a test holds them in step.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from pathlib import Path
from typing import Any

import httpx

from quickpoll.factory import create_app
from tests.checkout import root
from tests.clients.generators import node_program, run
from tests.conftest import secret, settings_from

package = root / "clients" / "typescript"

_HEAD = "// Written by `python -m tests.clients.typescript` from {name}. Do not edit.\n\n"


async def documents() -> tuple[Any, Any]:
    """The OpenAPI and the AsyncAPI document; nothing is opened for them."""
    app = create_app(
        settings_from(
            {
                "API_DATABASE_URL": "mongodb://nowhere.invalid/quickpoll",
                "API_REDIS_HOST": "nowhere.invalid",
                "JWT_SECRET_KEY": secret,
                "LOG_LEVEL": "ERROR",
            }
        )
    )
    whole: Any = app.asgi_app
    transport = httpx.ASGITransport(app=whole)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        answers = [await client.get(path) for path in ("/openapi.json", "/asyncapi.json")]
    return answers[0].json(), answers[1].json()


def types() -> dict[str, str]:
    """The generated files, by their names."""
    openapi, asyncapi = asyncio.run(documents())
    # The same generator for both: of the AsyncAPI document it gets the schemas.
    schemas = asyncapi["components"]["schemas"]
    live = {"openapi": "3.1.0", "info": openapi["info"], "paths": {}}
    live["components"] = {"schemas": schemas}
    found = {"rest.ts": ("/openapi.json", openapi), "live.ts": ("/asyncapi.json", live)}
    return {file: _HEAD.format(name=name) + _types(said) for file, (name, said) in found.items()}


def _types(document: Any) -> str:
    program = node_program("openapi-typescript")
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "document.json"), Path(folder, "types.ts")
        source.write_text(json.dumps(document), "utf-8")
        run(program, source, "--output", target)
        return target.read_text("utf-8")


if __name__ == "__main__":
    for name, text in types().items():
        (package / "src" / name).write_text(text, "utf-8")
