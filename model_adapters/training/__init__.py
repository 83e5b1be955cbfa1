"""From dialogues of an ideal model to one that speaks CML, and to how well it does."""
