"""The WSGI application, set up from the environment: ``wsgi:application``."""

from app.factory import create_app
from config.server import load

application = create_app(load())
