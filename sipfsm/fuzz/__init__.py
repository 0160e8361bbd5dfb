"""Strategies for SIP messages and sequences, and the fuzzer that judges any SIP server by the models."""
