"""The paths of the API, and which of its two ports has each: a new path must be entered here."""

PUBLIC = {
    "/": "GET",
    "/docs": "GET",
    "/docs/start.js": "GET",
    "/docs/swagger-ui-bundle.js": "GET",
    "/docs/swagger-ui.css": "GET",
    "/openapi.json": "GET",
    "/predict": "POST",
    "/predict/": "POST",
    "/predict/batch": "POST",
    "/predict/batch/": "POST",
    "/status": "GET",
}
INNER = {
    "/metrics": "GET",
    "/ready": "GET",
    "/routes": "GET",
    "/scaling": "GET",
}
BOTH = {"/health": "GET"}
