"""The live view's data: messages in, what a page must show out. Pure."""
