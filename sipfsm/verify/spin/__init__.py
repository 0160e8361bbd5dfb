"""The second engine: models written as Promela, checked by SPIN.

It shares with the first engine nothing but what is declared: the models, the scenarios and their semantics.
"""
