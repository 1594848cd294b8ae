"""What the scripted module does that needs no Slicer: it starts the command-line module, follows and ends it."""
