"""Sessions on a GGUF file, decoded by llama.cpp in this process."""
