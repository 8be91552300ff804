"""Afina beside its peers: speed and memory, measured on this machine. `make bench` runs them."""
