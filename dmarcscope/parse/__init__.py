"""From bytes or text to the model: no file, socket, clock or logger."""
