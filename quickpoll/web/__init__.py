"""The pages: polls to look at and to vote on, and the API's documentation."""
