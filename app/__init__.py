"""The Task API: a mailbox for tasks whose every change of state is on the record."""
