"""The engine of the ABP studio: generator networks learnt by alternating back-propagation.

It knows torch and numpy and no screen. Start reading at `langevin.py` (inference) and
`trainer.py` (the alternation of inference and learning).
"""
