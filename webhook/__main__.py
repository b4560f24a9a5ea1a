"""`python -m webhook` is `podworthy`."""

from webhook.cli import main

main()
