"""Who may open the page. Pure."""
