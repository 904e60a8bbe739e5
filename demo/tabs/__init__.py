"""One file a tab. Handlers pass on what was clicked and show what comes back; no arithmetic."""
