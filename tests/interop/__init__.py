"""Tests with real programs over real sockets: SIPp and baresip; and Kamailio, to test the tests."""
