"""A stand-in for MongoDB that answers from memory: for measuring only, never for keeping data.

It speaks the part of the MongoDB wire protocol that the service and its peers use, honours unique
indexes, and takes a few microseconds for a document, so that a measurement shows the cost of the
service and not that of the store. It writes nothing to disk, whatever the write concern asks.
"""
