"""The assistant's face: one registry of tools, served over stdio, over HTTP and by `afina call`."""
