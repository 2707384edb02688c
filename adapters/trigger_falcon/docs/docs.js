SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#ui",
  defaultModelsExpandDepth: 0,
  tryItOutEnabled: true,
  validatorUrl: null,
  // The page has grown since the browser went to the problem that it was asked for.
  onComplete: () => document.getElementById(location.hash.slice(1))?.scrollIntoView(),
});
