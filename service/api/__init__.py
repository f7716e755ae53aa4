"""HTTP and nothing else: parse the request, call one use case, format the answer."""
