"""After the fact: log lines in, transactions and answers out.

Never imported in a Lambda; imports ``lumitrace.wire`` and never ``lumitrace.capture``.
"""
