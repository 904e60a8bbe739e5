"""The relatives: what else learns a generator or a random field, on the same data.

`trial.py`: the data, of which a part is held back, and the network that all who need one share.
`member.py`: what every method can be asked. A method a file: `alternating.py` (ABP and its
variants), `linear.py`, `vae.py`, `descriptor.py`, `frame.py`, `cooperative.py`. `methods.py` names
and explains them, `comparison.py` lets several learn in fair turns, `verdict.py` measures what they
learnt, `file.py` keeps one of them.
FRAME stands on `filters.py`, the fixed filters; `convnet.py`, the pretrained ones, which
`first_layers.py` makes; `potentials.py`, what is counted of their responses; `reference.py`, the
Gaussian that it departs from; and `loglinear.py`, the field of all of these.
"""
