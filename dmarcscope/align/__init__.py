"""The pure algorithms of RFC 9989: the DNS tree walk and identifier alignment, without a question asked."""
