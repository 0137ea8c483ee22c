"""``python -m quickpoll``: the service with embedded stores, for one machine."""

from quickpoll.launcher import main

if __name__ == "__main__":
    main()
