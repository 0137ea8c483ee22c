"""The object that Hypercorn loads: ``hypercorn --config hypercorn.toml quickpoll.asgi:app``."""

from quickpoll.factory import create_app
from quickpoll.foundation import http1
from quickpoll.settings import given_variables, settings_or_exit, warn_of_unknown_variables

http1.install()
app = create_app(settings_or_exit())
warn_of_unknown_variables(given_variables())
