"""The tools' words, contracts and handlers. Handlers import the work itself when they are called."""
