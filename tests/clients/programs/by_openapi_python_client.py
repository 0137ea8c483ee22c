"""A person's program with the client that openapi-python-client makes."""

from __future__ import annotations

import json
import sys

from polls_client import AuthenticatedClient
from polls_client.api.management import update_poll
from polls_client.api.polls import create_poll
from polls_client.api.results import export_poll, get_all_polls, get_poll_by_id, poll_timeline
from polls_client.api.votes import vote_on_poll
from polls_client.models import NewOption, NewPoll, PollUpdate
from polls_client.types import UNSET

url, token, voted, hidden = sys.argv[1:]
with AuthenticatedClient(base_url=url, token=token, raise_on_unexpected_status=True) as client:
    poll = get_poll_by_id.sync(voted, client=client)
    page = get_all_polls.sync(client=client, limit=10)
    without = get_poll_by_id.sync(hidden, client=client)
    changed = update_poll.sync(voted, client=client, body=PollUpdate(closes_at=None))
    export = export_poll.sync(voted, client=client)
    rows = poll_timeline.sync(voted, client=client, bucket=3600)
    new = NewPoll(question="By a client?", options=[NewOption(text="yes"), NewOption(text="no")])
    created = create_poll.sync(client=client, body=new)
    refused = vote_on_poll.sync(voted, "0" * 24, client=client)

sys.stdout.write(
    json.dumps(
        {
            "counts": poll.counts.additional_properties,
            "version": poll.version,
            "listed": [one.id for one in page],
            "hidden": [
                without.results_hidden,
                None if without.votes_count is UNSET else without.votes_count,
                without.counts.additional_properties,
            ],
            "closesAt": changed.closes_at,
            "export": [[one.votes, one.percent] for one in export.options],
            "timeline": rows[-1].counts.additional_properties,
            "created": [created.min_choices, created.results],
            "code": refused.code,
        }
    )
)
