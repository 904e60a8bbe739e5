"""The studio: a page of tabs, each a folder of its own, on a small core that knows its visitors."""
