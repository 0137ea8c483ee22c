"""A person's program with the client that openapi-generator makes."""

from __future__ import annotations

import json
import sys

import polls_client

url, token, voted, hidden = sys.argv[1:]
configuration = polls_client.Configuration(host=url, access_token=token)
with polls_client.ApiClient(configuration) as client:
    results = polls_client.ResultsApi(client)
    poll = results.get_poll_by_id(voted)
    page = results.get_all_polls(limit=10)
    without = results.get_poll_by_id(hidden)
    change = polls_client.PollUpdate(closes_at=None)
    changed = polls_client.ManagementApi(client).update_poll(voted, change)
    export = results.export_poll(voted, format="json")
    rows = results.poll_timeline(voted, bucket=3600)
    new = polls_client.NewPoll(
        question="By a client?",
        options=[polls_client.NewOption(text="yes"), polls_client.NewOption(text="no")],
    )
    created = polls_client.PollsApi(client).create_poll(new)
    try:
        polls_client.VotesApi(client).vote_on_poll(voted, "0" * 24)
    except polls_client.ApiException as error:
        code = error.data.code

sys.stdout.write(
    json.dumps(
        {
            "counts": poll.counts,
            "version": poll.version,
            "listed": [one.id for one in page],
            "hidden": [without.results_hidden, without.votes_count, without.counts],
            "closesAt": changed.closes_at,
            "export": [[one.votes, one.percent] for one in export.options],
            "timeline": rows[-1].counts,
            "created": [created.min_choices, created.results],
            "code": code,
        }
    )
)
