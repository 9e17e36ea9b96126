"""`crampwatch init-stack`: secrets, certificates and database logins for docker-compose.yml."""
