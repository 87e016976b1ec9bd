"""The paths of the API, and which of its two ports has each: a new path must be entered here."""

PUBLIC = {
    "/": "GET",
    "/openapi.json": "GET",
    "/predict": "POST",
    "/predict/batch": "POST",
    "/status": "GET",
}
INNER = {
    "/metrics": "GET",
    "/ready": "GET",
    "/routes": "GET",
}
BOTH = {"/health": "GET"}
