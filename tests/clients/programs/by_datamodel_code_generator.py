"""A person's program with the models that datamodel-code-generator makes."""

from __future__ import annotations

import json
import sys
from typing import Any

import httpx
import polls_client as models

url, token, voted, hidden = sys.argv[1:]
http = httpx.Client(base_url=f"{url}/api/poll", headers={"Authorization": f"Bearer {token}"})


def read(path: str, **query: Any) -> bytes:
    return http.get(path, params=query).raise_for_status().content


def send(method: str, path: str, body: Any) -> bytes:
    given = body.model_dump_json(exclude_unset=True)
    kind = {"Content-Type": "application/json"}
    return http.request(method, path, content=given, headers=kind).raise_for_status().content


poll = models.PollView.model_validate_json(read(f"/get-poll-by-id/{voted}"))
page = [models.PollView.model_validate(one) for one in json.loads(read("/get-all-polls", limit=10))]
without = models.PollView.model_validate_json(read(f"/get-poll-by-id/{hidden}"))
update = models.PollUpdate(closesAt=None)
changed = models.Poll.model_validate_json(send("PATCH", f"/update-poll/{voted}", update))
export = models.Export.model_validate_json(read(f"/export-poll/{voted}", format="json"))
rows = json.loads(read(f"/poll-timeline/{voted}", bucket=3600))
new = models.NewPoll(
    question="By a client?",
    options=[models.NewOption(text="yes"), models.NewOption(text="no")],
)
created = models.Poll.model_validate_json(send("POST", "/create-poll", new))
refused = models.Problem.model_validate_json(http.post(f"/vote-on-poll/{voted}/{'0' * 24}").content)

sys.stdout.write(
    json.dumps(
        {
            "counts": poll.counts,
            "version": poll.version,
            "listed": [one.id for one in page],
            "hidden": [without.resultsHidden, without.votesCount, without.counts],
            "closesAt": changed.closesAt,
            "export": [[one.votes, one.percent] for one in export.options],
            "timeline": models.TimelineRow.model_validate(rows[-1]).counts,
            "created": [created.minChoices, created.results.value],
            "code": refused.code.value,
        }
    )
)
