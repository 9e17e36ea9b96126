"""The built-in web page: live view, nights, recordings and settings; on this machine or, with a login, others."""
