"""The AsyncAPI document, and the messages that it is made from."""
