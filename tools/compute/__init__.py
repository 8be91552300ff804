"""All that imports MLX outside the serving engine; runs in child processes alone."""

from tools.compute.lean_import import import_mlx_lm

import_mlx_lm()
