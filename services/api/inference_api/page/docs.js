// The page at /docs: shows the OpenAPI document next to it, and sends requests to the host that it came from.
SwaggerUIBundle({ url: "openapi.json", dom_id: "#api", tryItOutEnabled: true, displayRequestDuration: true });
