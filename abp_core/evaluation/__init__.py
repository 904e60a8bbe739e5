"""How near synthesised signals come to the real ones: pure functions, with their sources named.

Every distance is meant to be read beside its floor, the same distance between two disjoint parts
of the real data: `halves.py`. What is compared: `texture.py`, `sound.py`, `objects.py`,
`latents.py`, `copying.py`; crowds of any vectors: `frechet.py`. What a data set is measured with,
worked out once: `zoo/yardsticks/`.
"""
