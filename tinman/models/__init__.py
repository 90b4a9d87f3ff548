"""Language models behind one protocol: ``Request -> Reply``. No SDK is imported before a client is used."""
