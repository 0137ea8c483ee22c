"""Likes as answers carry them."""

from __future__ import annotations

from pydantic import ConfigDict

from quickpoll.polls.bodies import Body, Count, ObjectIdText


class LikeBody(Body):
    """Whether the caller likes the poll, and how many do."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "pollId": "65f1c0ffee0000000000a001",
                    "userId": "65f1c0ffee0000000000c001",
                    "liked": True,
                    "likes": 3,
                }
            ]
        }
    )

    poll_id: ObjectIdText
    user_id: ObjectIdText
    liked: bool
    likes: Count
