"""Pages for an adviser: server-rendered, in two languages, complete without script.

/pages -> /pages/{en|fr}            find a client
/pages/{lang}/new                   a new applicant
/pages/{lang}/decisions/{id}        a decision: why, where the client stands, what if, the last word, the letter
/pages/{lang}/model, /recent        the model; the latest decisions (scope admin)
"""

from ml.serving.pages import new_applicant, routes, sign_in

ROUTERS = (sign_in.router, new_applicant.router, routes.router)  # the last one says that there is no such page
