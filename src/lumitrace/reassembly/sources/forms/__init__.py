"""The forms in which log events come out of AWS: one file a form, told apart by content alone.

Each has ``recognises(text)`` and ``events(text)``.
"""
