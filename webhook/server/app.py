"""The Flask application: the same surface under any WSGI server."""

from typing import Any

import flask
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from webhook.server import surface
from webhook.server.counters import Counters
from webhook.server.decisions import DecisionLog
from webhook.server.surface import Response, Surface, text_of


def create_app(routes: Surface, decisions: DecisionLog, counters: Counters) -> flask.Flask:
    """An application that answers everything by `routes`.

    It asks them before Flask looks for a view, so that Werkzeug's redirects, methods and error
    pages never come into play.
    """
    app = flask.Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = surface.MAX_BODY

    @app.before_request
    def answer() -> flask.Response:
        response = _respond(routes)
        if response.record is not None:
            decisions.write(response.record)
        counters.count_answer(response.status)
        return _flask_response(response)

    @app.errorhandler(HTTPException)
    def failed(_: HTTPException) -> flask.Response:
        counters.count_answer(surface.FAILURE.status)
        return _flask_response(surface.FAILURE)

    return app


def _respond(routes: Surface) -> Response:
    request = flask.request
    try:
        body = request.get_data(cache=False)
    except RequestEntityTooLarge:
        return surface.BODY_TOO_LARGE
    except Exception:
        # a server's own error: the bytes were no HTTP, or the client has left
        return surface.BAD_REQUEST
    # not `request.path`, which drops slashes (PEP 3333: the text is bytes in Latin-1's clothes)
    path = text_of(request.environ["PATH_INFO"].encode("latin-1"))
    return routes.respond(request.method, path, request.environ["QUERY_STRING"], body)


def _flask_response(response: Response) -> flask.Response:
    headers: dict[str, Any] = {"Allow": response.allow} if response.allow else {}
    return flask.Response(
        response.body, response.status, headers, content_type=response.content_type
    )
