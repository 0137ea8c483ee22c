"""HTTP around every route: the middleware, problem documents, origins, strict requests."""
