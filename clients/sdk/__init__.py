"""The participant's side of Lodeline: sign locally, submit, check what the service answers, queue without a network.

Keys never leave this side. Modules are imported by name (`from clients.sdk.client import LodelineClient`),
so that a program pays only for what it uses.
"""
