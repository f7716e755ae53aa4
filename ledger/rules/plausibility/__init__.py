"""How unusual a lot, a site or a participant looks beside its peers: a red flag with reasons, never a fail.

`observations` is what goes in, `features` turns it into exact integers, `model` and `shipped` hold
what was learnt, `forest` and `score` judge. Learning itself happens elsewhere (`plausibility/`);
here are no floats, no chance and no clock, so every machine gives the same score byte for byte.
"""
