"""The faces of Afina: the command line, the OpenAI-style endpoint, the MCP server."""

__version__ = "0.1.0"
