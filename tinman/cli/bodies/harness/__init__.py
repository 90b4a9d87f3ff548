"""What `tinman scenarios` does beyond listing: measuring, regression files, importing, the proxy of an MCP server."""
