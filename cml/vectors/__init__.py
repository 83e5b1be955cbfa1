"""The static test vectors: asked of any implementation, and answered by this one."""
