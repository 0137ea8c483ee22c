"""Exactness, proved from outside: instances whose wires stall, clients that hang up, clocks that
differ. Everything here is seen over HTTP, Socket.IO, and in the stores themselves."""
