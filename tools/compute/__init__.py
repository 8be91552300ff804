"""All that imports MLX outside the serving engine; runs in child processes alone."""
