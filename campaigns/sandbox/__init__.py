"""The mail sandbox: a real SMTP server on loopback whose `.example` people answer, click, bounce, are away or stay silent.

It knows only SMTP in, and mail to the signed inbound endpoint and clicks on URLs out. It never sees the database, so what
the product shows about its people was learned the way it would be from real ones.
"""
