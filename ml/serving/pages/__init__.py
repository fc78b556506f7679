"""Pages for an adviser: server-rendered, in two languages, complete without script.

/pages -> /pages/{en|fr}            find a client
/pages/{lang}/new                   a new applicant
/pages/{lang}/decisions/{id}        a decision: why, where the client stands, what if, the last word, the letter
/pages/{lang}/model, /recent        the model; the latest decisions (scope admin)
"""

from ml.serving.pages.router import router

__all__ = ["router"]
