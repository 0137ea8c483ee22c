// Swagger UI over this service's own description; nothing else is asked, nothing is remembered.
// Who comes from the live page, in the same tab, can try things out with the token used there.
const api = SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#swagger-ui",
  validatorUrl: null,
  persistAuthorization: false,
  deepLinking: true,
  docExpansion: "list",
  onComplete: () => {
    const token = sessionStorage.getItem("quickpoll-token");
    if (token) api.preauthorizeApiKey("bearer", token);
  },
});
