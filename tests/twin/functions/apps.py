"""Applications of web frameworks, traced as a whole."""

from chalice import Chalice
from door import traced
from mangum import Mangum

shop = Chalice(app_name="shop")


@shop.route("/{sale}")
def sale(sale):
    if sale == "fails":
        raise ValueError("no such sale")
    return {"sale": sale}


async def asgi(scope, receive, send):
    if scope["path"] == "/fails":
        raise ValueError("no such sale")
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": scope["path"].encode()})


chalice = traced(shop)
mangum = traced(Mangum(asgi, lifespan="off"))
