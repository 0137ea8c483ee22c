"""``python -m quickpoll``: the service with embedded stores, for one machine."""

import signal

if __name__ == "__main__":
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        # Ctrl-C while the libraries are loaded ends it without a stack trace.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from quickpoll.localrun.launcher import main

    main()
