"""Other people's loops with our networks in them; each module knows one of their repositories."""
