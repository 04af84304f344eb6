"""The crash test: real workers, beat, web, PostgreSQL, Valkey, SMTP and IMAP on loopback, killed again and again.

Nothing here runs in production. `manage.py crashtest` makes a cluster of its own in a folder of its own, lets a crowd of
`.example` people be written to, kills what it can, and then compares three independent accounts of what happened: the
journal that the SMTP sink wrote to disk before each 250, the rows of the database, and the Sent folders.
"""
