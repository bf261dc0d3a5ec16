"""Where reports come from, and how the bytes that arrive are taken apart."""
