"""The seed checklist: is this machine ready, and what to do where it is not."""
