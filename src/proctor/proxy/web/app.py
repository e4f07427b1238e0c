# SPDX-License-Identifier: Apache-2.0
"""The web application of the proxy, put together."""

from __future__ import annotations

from fastapi import FastAPI
from fastapi.routing import APIRoute

from proctor.core.version import VERSION
from proctor.proxy.web import account, entry, error_responses, models, pages, records
from proctor.proxy.web.middleware import App, SecurityMiddleware
from proctor.proxy.web.site import Site

ROUTERS = (entry.router, account.router, records.router, pages.router)


def make_api() -> FastAPI:
    """All routes, without the objects that they work with; serves no documentation of itself."""
    api = FastAPI(
        title="Proctor",
        version=VERSION,
        openapi_url=None,
        generate_unique_id_function=_operation,
        responses={"4XX": {"model": models.Refusal}, "5XX": {"model": models.Refusal}},
    )
    for router in ROUTERS:
        api.include_router(router)
    error_responses.install(api)
    return api


def _operation(route: APIRoute) -> str:
    return route.name


def make_app(site: Site) -> App:
    """The application that serves ``site``."""
    api = make_api()
    api.state.site = site
    api.state.bundle = pages.load_bundle()
    return SecurityMiddleware(api)
