"""What a process imports first whose clock shall be ahead or behind (see ``clocks``)."""
