"""What things are: frozen types named as RFC 9990 names them, and the closed word lists of the field."""
