"""The speaker: what makes the embedded model speak CML, a change of its weights in 8 bits."""
