"""What sessions that know their tokens have in common: tokens to characters, chats to parts."""
