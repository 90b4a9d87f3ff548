"""The bundled sandbox: a deterministic helpdesk agent with real, documented weaknesses. No key, no network."""
