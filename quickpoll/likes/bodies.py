"""Likes as answers carry them."""

from __future__ import annotations

from quickpoll.polls.bodies import Body, ObjectIdText


class LikeBody(Body):
    """Whether the caller likes the poll, and how many do."""

    poll_id: ObjectIdText
    user_id: ObjectIdText
    liked: bool
    likes: int
