"""How well a model speaks CML: dialogues that it never saw, played by the machine and scored."""
