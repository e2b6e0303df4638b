"""The one exception whose message is meant for the person at the terminal."""


class UserError(Exception):
    """Something the user can mend.

    The message is one readable paragraph that names the file, the row, column or config key,
    and the remedy. Adapters print it on the terminal; the traceback goes to the rule's log.
    """
