"""Is an installation as it should be? It is read, checked, told; nothing is written."""
