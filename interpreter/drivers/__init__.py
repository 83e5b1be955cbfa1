"""What brings events to the machine and performs its effects: realtime, virtual, replay."""
