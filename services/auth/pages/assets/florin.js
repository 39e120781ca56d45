// Passkeys (WebAuthn Level 3), the only thing on these pages that needs a script.
//
// <form data-passkey="get" data-options="{…}"> with a hidden field `credential`: its button appears
// where the browser can do it, asks for a passkey, puts the answer into the field and sends the
// form. "create" makes a new one.
(() => {
  "use strict";
  if (!window.PublicKeyCredential || !navigator.credentials) return;

  const toBytes = (text) =>
    Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const toText = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer)))
      .replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

  // For browsers without PublicKeyCredential.parse…FromJSON() and toJSON().
  const withBytes = (json) => {
    const options = { ...json, challenge: toBytes(json.challenge) };
    if (json.user) options.user = { ...json.user, id: toBytes(json.user.id) };
    for (const list of ["allowCredentials", "excludeCredentials"]) {
      if (json[list]) options[list] = json[list].map((one) => ({ ...one, id: toBytes(one.id) }));
    }
    return options;
  };
  const toJson = (credential) => {
    if (credential.toJSON) return credential.toJSON();
    const response = { clientDataJSON: toText(credential.response.clientDataJSON) };
    for (const part of ["attestationObject", "authenticatorData", "signature", "userHandle"]) {
      if (credential.response[part]) response[part] = toText(credential.response[part]);
    }
    if (credential.response.getTransports) {
      response.transports = credential.response.getTransports();
    }
    return {
      id: credential.id,
      rawId: toText(credential.rawId),
      type: credential.type,
      authenticatorAttachment: credential.authenticatorAttachment,
      clientExtensionResults: credential.getClientExtensionResults(),
      response,
    };
  };

  const parse = (kind, json) => {
    const own = kind === "create"
      ? PublicKeyCredential.parseCreationOptionsFromJSON
      : PublicKeyCredential.parseRequestOptionsFromJSON;
    return own ? own.call(PublicKeyCredential, json) : withBytes(json);
  };

  let waiting = null;  // The request that only shows passkeys in the e-mail field's suggestions.

  const ask = async (form, mediation) => {
    const kind = form.dataset.passkey;
    const publicKey = parse(kind, JSON.parse(form.dataset.options));
    if (waiting) waiting.abort();
    const abort = new AbortController();
    waiting = mediation ? abort : null;
    const request = { publicKey, signal: abort.signal };
    if (mediation) request.mediation = mediation;
    const credential = await navigator.credentials[kind](request);
    form.elements.credential.value = JSON.stringify(toJson(credential));
    form.submit();
  };

  const say = (form, text) => {
    const place = form.querySelector("[data-message]");
    if (place) place.textContent = text;
  };

  for (const form of document.querySelectorAll("form[data-passkey]")) {
    for (const part of form.querySelectorAll("[hidden]")) part.hidden = false;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      say(form, "");
      ask(form).catch((error) => {
        say(form, error.name === "InvalidStateError"
          ? "This device already has a passkey for your account."
          : "The passkey was not used. Try again, or choose another way.");
      });
    });
  }

  const login = document.querySelector("form[data-passkey='get'][data-suggest]");
  if (login && PublicKeyCredential.isConditionalMediationAvailable) {
    PublicKeyCredential.isConditionalMediationAvailable()
      .then((can) => can && ask(login, "conditional"))
      .catch(() => {});
  }
})();
